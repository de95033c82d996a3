/** The line below a picture, its accessible name, and what a screen reader is told now and then. */

import { axisNumber, formatNumber, roundedTo, unitText, withUnit } from "./numbers.js";

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Header} Header */
/** @typedef {import("./types.js").Look} Look */
/** @typedef {import("./types.js").Place} Place */

/** How often a screen reader is told something at most [ms]. */
const BETWEEN = 2000;

/** The line below a picture. */
export class Status {
  element = document.createElement("div");
  #parts = new Map(
    ["place", "pixel", "value", "region", "grow", "scale", "chip"].map((name) => [name, document.createElement("span")]),
  );
  #spoken = document.createElement("span");
  #spokenAt = -Infinity;
  /** @type {number | undefined} */
  #timer;

  constructor() {
    this.element.className = "status";
    this.element.setAttribute("part", "status");
    for (const [name, part] of this.#parts) part.className = name;
    this.#spoken.className = "spoken";
    this.#spoken.setAttribute("role", "status");
    this.element.append(...this.#parts.values(), this.#spoken);
  }

  /**
   * @param {Frame | null} frame
   * @param {Look} look
   * @param {Place | null} place Under the cursor.
   * @param {number | number[] | null} value
   * @param {{x: number, y: (number | null)[]} | null} point Of a curve, under the cursor.
   * @param {string} region Statistics.
   */
  draw(frame, look, place, value, point, region) {
    const header = frame?.header;
    const known = header && place;
    this.#set("place", known ? placeInUnits(header, place) : "");
    this.#set("pixel", known ? pixelOf(header, place) : "");
    this.#set("value", known ? valueText(header, value) : header ? summaryText(header) : "");
    this.#set("region", region);
    const power = look.scale === "gamma" ? `gamma ${formatNumber(look.gamma, 2)}` : look.scale;
    this.#set("scale", header?.kind === "image" && power !== "linear" ? power : "");
    if (header?.kind === "curve" && point) {
      const axis = header.axes?.[header.axes.length - 1];
      this.#set("place", `${axis?.name ?? "x"} ${withUnit(point.x, axis?.unit, 5)}`);
      this.#set("value", point.y.map((one) => withUnit(one, header.unit, 5)).join(" · "));
    }
    const label = header?.label ?? header?.stage ?? "";
    const chip = this.#part("chip");
    chip.hidden = !label;
    chip.className = `chip ${header?.stage === "exact" ? "ok" : "warn"}`;
    this.#set("chip", label);
  }

  /**
   * Tells a screen reader something, soon.
   *
   * @param {string} text
   */
  say(text) {
    clearTimeout(this.#timer);
    const wait = Math.max(0, this.#spokenAt + BETWEEN - performance.now());
    this.#timer = setTimeout(() => {
      this.#spokenAt = performance.now();
      if (this.#spoken.textContent !== text) this.#spoken.textContent = text;
    }, wait);
  }

  /** Drops what is still to be said. */
  close() {
    clearTimeout(this.#timer);
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#parts.get(name));
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #set(name, text) {
    const part = this.#part(name);
    if (part.textContent !== text) part.textContent = text;
  }
}

/**
 * Gives a place in the units of the axes, such as "y 104.1, x 166.4 nm"; empty where there are no units.
 *
 * @param {Header} header
 * @param {Place} place
 */
export function placeInUnits({ axes }, { y, x }) {
  if (axes?.length !== 2 || !(axes[0].unit || axes[1].unit)) return "";
  const [first, second] = axes;
  const [at, beside] = [axisNumber(first, Math.round(y)), axisNumber(second, Math.round(x))];
  const [unit, other] = [unitText(first.unit), unitText(second.unit)];
  const same = unit === other;
  return `${first.name} ${at}${same || !unit ? "" : ` ${unit}`}, ${second.name} ${beside} ${other}`.trim();
}

/**
 * @param {Header} header
 * @param {Place} place
 */
function pixelOf({ axes }, { y, x }) {
  const pixel = `(${Math.round(y) + 0}, ${Math.round(x) + 0})`;
  return axes?.some((axis) => axis.unit) ? pixel : `${pixel} px`;
}

/**
 * Gives a number of a picture as text.
 *
 * @param {Header} header
 * @param {number | number[] | null} value
 */
export function valueText({ kind, unit }, value) {
  if (value === null) return "unknown";
  if (typeof value === "number") return withUnit(value, unit, 5);
  if (kind === "rgba") return `red ${value[0]}, green ${value[1]}, blue ${value[2]}`;
  const angle = (Math.atan2(value[0], value[1]) * 180) / Math.PI;
  return `${withUnit(Math.hypot(value[0], value[1]), unit, 4)} at ${angle.toFixed(0).replace("-", "−")}°`;
}

/** @param {Header} header */
function summaryText({ kind, extremes, unit }) {
  if (kind === "rgba" || kind === "number" || !extremes) return "";
  const [low, high] = extremes.map((value) => roundedTo(value, Number(extremes[1]) - Number(extremes[0])));
  return `${formatNumber(low, 4)} to ${withUnit(high, unit, 4)}`;
}

/**
 * Gives the name of a picture for those who do not see it.
 *
 * @param {string} label
 * @param {Header | undefined} header
 */
export function accessibleName(label, header) {
  if (!header) return label || "Picture";
  const { title, kind, extremes, unit, stage } = header;
  const shown = header.label && header.label !== stage ? `${stage ?? ""} ${header.label}`.trim() : (stage ?? "");
  const parts = [label, title === label ? "" : title, shown];
  if (extremes && kind !== "rgba" && kind !== "number") {
    parts.push(`minimum ${withUnit(extremes[0], unit, 4)}`, `maximum ${withUnit(extremes[1], unit, 4)}`);
  }
  return parts.filter(Boolean).join(", ") || "Picture";
}
