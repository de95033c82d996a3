/** What belongs to a picture: scale bar, colour bar, the wheel of directions. */

import { fractionOf } from "./levels.js";
import { colourTable } from "./maps.js";
import { alike, formatNumber, lengthText, niceLength, ticks, unitText, withUnit } from "./numbers.js";
import { fieldColour } from "./painter_2d.js";

/** @typedef {import("./geometry.js").View} View */
/** @typedef {import("./types.js").Axis} Axis */
/** @typedef {import("./types.js").Header} Header */
/** @typedef {import("./types.js").Look} Look */

/** Part of the visible picture that a scale bar takes at most, and screen pixels at most and at least. */
const SHARE = 0.3;
const LONGEST = 180;
const SHORTEST = 24;
const TICKS = 5;
const WHEEL = 92;
/** Characters of the numbers of a colour bar that fit beside it; longer ones get more room. */
const SHORT = 6;

/**
 * Gives the scale bar of what is visible: its length on the screen, its text, and where it stands.
 *
 * @param {View} view
 * @param {Axis[] | undefined} axes
 * @returns {{width: number, text: string, left: number, bottom: number} | null}
 */
export function scaleBar(view, axes) {
  const axis = axes?.[1];
  const [height, width] = view.pane;
  const [top, left] = view.toScreen(-0.5, -0.5);
  const [end, right] = view.toScreen(view.size[0] - 0.5, view.size[1] - 0.5);
  const room = Math.min(right, width) - Math.max(left, 0);
  const tall = Math.min(end, height) - Math.max(top, 0);
  if (room < 80 || tall < 48 || (axes && !alike(axes) && !axis?.unit)) return null;
  const perPixel = axis?.unit ? Math.abs(axis.scale) : 1;
  const length = niceLength((Math.min(LONGEST, SHARE * room) * perPixel) / view.k);
  const bar = (length * view.k) / perPixel;
  if (!(bar >= Math.min(SHORTEST, 0.1 * room)) || bar > room - 24) return null;
  const text = lengthText(length, axis?.unit ? unitText(axis.unit) : "px");
  return { width: bar, text, left: Math.max(left, 0) + 14, bottom: Math.max(0, height - end) + 14 };
}

/**
 * Gives the marks of a colour bar: where they stand, from 0 at the first colour to 1 at the last, and their texts.
 *
 * @param {Look} look
 * @returns {{at: number, text: string}[]}
 */
export function barTicks(look) {
  const [low, high] = look.range;
  const found = ticks(low, high, look.scale === "log", TICKS);
  const marks = found.length >= 2 ? found : [low, high].map((value) => ({ value, text: formatNumber(value, 3) }));
  return marks.map(({ value, text }) => ({ at: fractionOf(value, look), text }));
}

/** The column beside a picture that says what its colours mean. */
export class Legend {
  element = document.createElement("div");
  #unit = document.createElement("div");
  #scale = document.createElement("div");
  #bar = document.createElement("canvas");
  #wheel = document.createElement("canvas");
  #told = document.createElement("p");
  #drawn = "";

  constructor() {
    this.element.className = "legend";
    this.element.setAttribute("role", "img");
    this.#unit.className = "unit";
    this.#scale.className = "scale";
    this.#wheel.className = "wheel";
    this.#bar.width = 1;
    this.#bar.height = 256;
    this.#scale.append(this.#bar);
    this.element.append(this.#unit, this.#scale, this.#wheel, this.#told);
    paintWheel(this.#wheel, WHEEL);
  }

  /**
   * @param {Header} header
   * @param {Look} look
   */
  draw({ kind, unit }, look) {
    const wanted = JSON.stringify([kind, unit, look]);
    if (wanted === this.#drawn || kind === "rgba") return;
    this.#drawn = wanted;
    const field = kind === "field";
    this.element.style.width = "";
    this.#wheel.hidden = this.#told.hidden = !field;
    this.#scale.hidden = field;
    this.#unit.textContent = field ? "" : unitText(unit);
    if (field) {
      const most = withUnit(look.range[1], unit, 3);
      this.#told.replaceChildren("edge", document.createElement("br"), most);
      this.element.setAttribute("aria-label", `Colours: hue is the direction, brightness the length, up to ${most}`);
      return;
    }
    paintBar(this.#bar, look.colours);
    const found = barTicks(look);
    const longest = Math.max(...found.map(({ text }) => text.length));
    this.element.style.width = longest > SHORT ? `${30 + 7 * longest}px` : "";
    const marks = found.map(({ at, text }) => {
      const mark = document.createElement("span");
      mark.className = "tick";
      mark.textContent = text;
      mark.style.bottom = `${(100 * at).toFixed(2)}%`;
      return mark;
    });
    this.#scale.replaceChildren(this.#bar, ...marks);
    const [low, high] = look.range;
    const way = look.scale === "linear" ? "" : `, ${look.scale}`;
    const told = `Colours: ${look.colours}${way}, from ${withUnit(low, unit, 4)} to ${withUnit(high, unit, 4)}`;
    this.element.setAttribute("aria-label", told);
  }
}

/**
 * Paints the colours of a map, the last one on top, into a canvas of one column.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} colours
 */
export function paintBar(canvas, colours) {
  const table = colourTable(colours);
  const image = new ImageData(1, 256);
  for (let i = 0; i < 256; i++) image.data.set(table.subarray(4 * (255 - i), 4 * (256 - i)), 4 * i);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/**
 * Paints the legend of a field: each place has the colour of the vector to it.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} size
 */
export function paintWheel(canvas, size) {
  canvas.width = canvas.height = size;
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    const y = ((Math.floor(i / size) + 0.5) * 2) / size - 1;
    const x = (((i % size) + 0.5) * 2) / size - 1;
    const edge = (1 - Math.hypot(y, x)) * (size / 2) + 0.5;
    image.data.set(fieldColour(y, x, 1), 4 * i);
    image.data[4 * i + 3] = 255 * Math.min(1, Math.max(0, edge));
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}
