/** The distribution of the numbers of a picture, with two handles for the range of the colours. */

import { fractionOf } from "./levels.js";
import { withUnit } from "./numbers.js";

/** @typedef {import("./types.js").Header} Header */
/** @typedef {import("./types.js").Look} Look */

const SVG_NAMES = "http://www.w3.org/2000/svg";
const STEPS = 100;

/** A histogram; its horizontal axis is as the scale of the colours is. */
export class Histogram {
  element = document.createElement("div");
  #path = document.createElementNS(SVG_NAMES, "path");
  #edges = ["lowest colour", "highest colour"].map(edgeOf);
  /** @type {[number, number]} */
  #span = [0, 1];
  /** @type {Look | null} */
  #look = null;
  /** @type {number | null} */
  #held = null;
  #drawn = "";

  /** @param {(range: [number, number], live: boolean) => void} tell */
  constructor(tell) {
    this.tell = tell;
    this.element.className = "histogram";
    const svg = document.createElementNS(SVG_NAMES, "svg");
    svg.setAttribute("viewBox", "0 0 100 40");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.append(this.#path);
    this.element.append(svg, ...this.#edges);
    this.element.addEventListener("pointerdown", (event) => this.#press(event));
    this.element.addEventListener("pointermove", (event) => this.#held !== null && this.#move(this.#held, this.#valueOf(event), true));
    for (const name of ["pointerup", "pointercancel"]) {
      this.element.addEventListener(name, () => {
        if (this.#held !== null && this.#look) this.tell(this.#look.range, false);
        this.#held = null;
      });
    }
    for (const [i, edge] of this.#edges.entries()) edge.addEventListener("keydown", (event) => this.#key(i, event));
  }

  /**
   * @param {Header | null} header
   * @param {Look} look
   */
  draw(header, look) {
    this.#look = look;
    const shown = header !== null && (header.kind === "image" || header.kind === "field") && Boolean(header.histogram);
    this.element.hidden = !shown;
    if (!shown) return;
    const { low, high, counts } = /** @type {NonNullable<Header["histogram"]>} */ (header.histogram);
    const most = Math.max(high, look.range[1]);
    const least = Math.min(low, look.range[0]);
    const floor = look.range[0] > 0 ? look.range[0] / 3 : most / 1e4;
    // Under a hand the axis stays, else it would run away from it.
    if (this.#held === null) this.#span = [look.scale === "log" ? Math.max(least, floor) : least, most];
    const wanted = JSON.stringify([low, high, counts, this.#span, look.scale]);
    if (wanted !== this.#drawn) this.#path.setAttribute("d", this.#outline(low, high, counts));
    this.#drawn = wanted;
    this.#edges[0].hidden = header.kind === "field"; // lengths begin at zero
    for (const [i, edge] of this.#edges.entries()) {
      edge.style.left = `${(100 * this.#part(look.range[i])).toFixed(3)}%`;
      edge.setAttribute("aria-valuenow", String(Number(look.range[i].toPrecision(6))));
      edge.setAttribute("aria-valuemin", String(this.#span[0]));
      edge.setAttribute("aria-valuemax", String(this.#span[1]));
      edge.setAttribute("aria-valuetext", withUnit(look.range[i], header.unit, 4));
    }
  }

  /**
   * Gives where a number lies, from 0 to 1.
   *
   * @param {number} value
   */
  #part(value) {
    const scale = this.#look?.scale === "log" ? "log" : "linear";
    return fractionOf(value, { colours: "", range: this.#span, scale, gamma: 1 });
  }

  /** @param {PointerEvent} event */
  #valueOf(event) {
    const box = this.element.getBoundingClientRect();
    return this.#value(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  }

  /** @param {number} part */
  #value(part) {
    const [low, high] = this.#span;
    return this.#look?.scale === "log" ? low * (high / low) ** part : low + part * (high - low);
  }

  /** Square roots of counts, for a few pixels matter too. @type {(low: number, high: number, counts: number[]) => string} */
  #outline(low, high, counts) {
    const width = (high - low) / counts.length;
    const tallest = Math.sqrt(Math.max(1, ...counts));
    const points = counts.map((count, i) => {
      const [from, to] = [low + i * width, low + (i + 1) * width].map((value) => (100 * this.#part(value)).toFixed(2));
      const y = (40 - (38 * Math.sqrt(count)) / tallest).toFixed(2);
      return `L${from} ${y}L${to} ${y}`;
    });
    return `M${(100 * this.#part(low)).toFixed(2)} 40${points.join("")}L${(100 * this.#part(high)).toFixed(2)} 40Z`;
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (!this.#look || event.button) return;
    event.preventDefault();
    const at = this.#part(this.#valueOf(event));
    const [low, high] = this.#look.range.map((value) => Math.abs(this.#part(value) - at));
    const lower = low < high || (low === high && at < this.#part(this.#look.range[0]));
    this.#held = lower && !this.#edges[0].hidden ? 0 : 1;
    this.element.setPointerCapture(event.pointerId);
    this.#edges[this.#held].focus();
    this.#move(this.#held, this.#valueOf(event), true);
  }

  /**
   * @param {number} i
   * @param {number} value
   * @param {boolean} live
   */
  #move(i, value, live) {
    if (!this.#look) return;
    /** @type {[number, number]} */
    const range = [...this.#look.range];
    range[i] = i ? Math.max(range[0], value) : Math.min(range[1], value);
    this.#look = { ...this.#look, range };
    this.tell(range, live);
  }

  /**
   * @param {number} i
   * @param {KeyboardEvent} event
   */
  #key(i, event) {
    const sign = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!sign || !this.#look || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const step = (event.shiftKey ? 10 : event.altKey ? 0.1 : 1) / STEPS;
    this.#move(i, this.#value(Math.min(1, Math.max(0, this.#part(this.#look.range[i]) + sign * step))), false);
  }
}

/** @param {string} label */
function edgeOf(label) {
  const edge = document.createElement("div");
  edge.className = "edge";
  edge.tabIndex = 0;
  edge.setAttribute("role", "slider");
  edge.setAttribute("aria-label", label);
  return edge;
}
