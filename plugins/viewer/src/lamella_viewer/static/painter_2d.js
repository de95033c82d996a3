/** Draws without a graphics card: numbers become colours here, and the browser scales the picture. */

import { UNKNOWN } from "./drawables.js";
import { colourTable } from "./maps.js";

/** @typedef {import("./types.js").Canvas} Canvas */
/** @typedef {import("./types.js").Drawable} Drawable */
/** @typedef {import("./types.js").Look} Look */
/** @typedef {import("./types.js").Painter} Painter */

/** @implements {Painter} */
export class PlainPainter {
  name = "canvas";
  lost = false;
  /** @type {Drawable | null} */
  #loaded = null;
  #coloured = "";
  #picture = document.createElement("canvas");

  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = context2d(this.canvas);
  }

  holds() {
    return true;
  }

  /** @param {Drawable} drawable */
  load(drawable) {
    this.#loaded = drawable;
    this.#coloured = "";
  }

  /**
   * @param {Canvas} where
   * @param {Look} look
   */
  draw(where, look) {
    const { canvas, context } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    const drawable = this.#loaded;
    if (!drawable || !drawable.width || !drawable.height) return;
    this.#colour(drawable, look);
    const small = Math.max(where.stepX, where.stepY) > 1.25;
    context.imageSmoothingEnabled = small;
    context.imageSmoothingQuality = "high";
    const place = /** @type {const} */ ([
      -where.originX / where.stepX,
      -where.originY / where.stepY,
      drawable.width / where.stepX,
      drawable.height / where.stepY,
    ]);
    const [top, left, bottom, right] = where.clip;
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.drawImage(this.#picture, ...place);
    context.globalCompositeOperation = "destination-over"; // the pattern shows where the picture is transparent
    context.fillStyle = hatching(context);
    context.fillRect(...place);
    context.restore();
  }

  /**
   * @param {Drawable} drawable
   * @param {Look} look
   */
  #colour(drawable, look) {
    const wanted = JSON.stringify(look);
    if (wanted === this.#coloured) return;
    this.#coloured = wanted;
    this.#picture.width = drawable.width;
    this.#picture.height = drawable.height;
    const image = new ImageData(drawable.width, drawable.height);
    colourInto(image.data, drawable, look);
    context2d(this.#picture).putImageData(image, 0, 0);
  }

  close() {
    this.#loaded = null;
  }
}

/** @param {HTMLCanvasElement} canvas */
function context2d(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser gives no canvas");
  return context;
}

/** @param {CanvasRenderingContext2D} context */
function hatching(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const on = context2d(tile);
  for (let i = 0; i < 64; i++) {
    on.fillStyle = (i + Math.floor(i / 8)) % 8 < 4 ? "#8c8c8c" : "#6b6b6b";
    on.fillRect(i % 8, Math.floor(i / 8), 1, 1);
  }
  return context.createPattern(tile, "repeat") ?? "#8c8c8c";
}

/**
 * Puts colours of a drawable into bytes: red, green, blue, and opacity, which is 0 where a pixel is not known.
 *
 * @param {Uint8ClampedArray} out
 * @param {Drawable} drawable
 * @param {Look} look
 */
export function colourInto(out, drawable, look) {
  const { kind, values, base } = drawable;
  const count = drawable.width * drawable.height;
  if (kind === "rgba") {
    out.set(values);
    return;
  }
  if (kind === "field") {
    for (let i = 0; i < count; i++) {
      const [y, x] = [values[i], values[i + count]];
      if (y < UNKNOWN && x < UNKNOWN) out.set(fieldColour(y, x, look.range[1]), 4 * i);
    }
    return;
  }
  const table = new Uint32Array(colourTable(look.colours).buffer); // four bytes at once are much faster
  const words = new Uint32Array(out.buffer, out.byteOffset, count);
  const indexOf = indexing(look);
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (value < UNKNOWN) words[i] = table[indexOf(value + base)];
  }
}

/**
 * Gives a function from a number to its place among 256 colours; what `fractionOf` does, for many numbers.
 *
 * @param {Look} look
 * @returns {(value: number) => number}
 */
function indexing({ range, scale, gamma }) {
  const [low, high] = range;
  const last = (/** @type {number} */ place) => (place > 255 ? 255 : place > 0 ? place | 0 : 0);
  if (!(high > low)) return () => (low < 0 ? 128 : 0);
  const perUnit = 256 / (high - low);
  if (scale === "log") {
    const [first, perLog] = [Math.log(low), 256 / Math.log(high / low)];
    return (value) => (value > low ? last((Math.log(value) - first) * perLog) : 0);
  }
  if (scale === "gamma") return (value) => (value > low ? last(256 * ((value - low) / (high - low)) ** gamma) : 0);
  return (value) => last((value - low) * perUnit);
}

/**
 * Gives the colour of a vector: hue for its direction, brightness for its length.
 *
 * @param {number} y
 * @param {number} x
 * @param {number} largest Length that is fully bright.
 */
export function fieldColour(y, x, largest) {
  const size = Math.hypot(y, x);
  const bright = largest > 0 ? Math.min(1, size / largest) : 0;
  const [sine, cosine] = size > 0 ? [y / size, x / size] : [0, 0];
  const part = [0, (2 * Math.PI) / 3, (4 * Math.PI) / 3].map(
    (phase) => 0.5 + 0.5 * (cosine * Math.cos(phase) + sine * Math.sin(phase)),
  );
  return [...part.map((one) => Math.round(255 * one * bright)), 255];
}
