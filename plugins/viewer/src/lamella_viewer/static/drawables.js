/** Frames as painters want them: 32-bit numbers, with one number that stands for unknown pixels. */

/** @typedef {import("./types.js").Drawable} Drawable */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Header} Header */

/** Stands for a pixel that is not known; no other pixel is so large. */
export const UNKNOWN = Math.fround(3e38);
const LARGEST = 2e38;
/** Part of their size below which differences would be lost in 32 bits. */
const FINE = 1e-3;

/**
 * Gives what a painter draws.
 *
 * @param {Frame} frame
 * @returns {Drawable}
 */
export function drawableOf(frame) {
  const { header, pixels, valid, shape } = frame;
  const kind = /** @type {Drawable["kind"]} */ (header.kind);
  const [height, width] = kind === "field" ? shape.slice(1) : shape;
  const extent = extentOf(header, height, width);
  if (kind === "rgba") {
    return { kind, width, height, values: coloursOf(frame, height * width), base: 0, extent };
  }
  const base = baseOf(frame);
  const values = new Float32Array(pixels.length);
  if (base === 0) values.set(pixels);
  else for (let i = 0; i < pixels.length; i++) values[i] = pixels[i] - base;
  if (header.dtype.startsWith("f")) withoutNaN(values);
  const count = height * width;
  if (valid) {
    for (let i = 0; i < values.length; i++) if (!valid[i % count]) values[i] = UNKNOWN;
  }
  return { kind, width, height, values, base, extent };
}

/** @param {Float32Array} values */
function withoutNaN(values) {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value !== value) values[i] = UNKNOWN;
    else if (value > LARGEST) values[i] = LARGEST;
    else if (value < -LARGEST) values[i] = -LARGEST;
  }
}

/**
 * A constant that is taken away where numbers of 64 or 32 bits differ little.
 *
 * @param {Frame} frame
 */
function baseOf({ header }) {
  const [low, high] = header.extremes ?? [0, 0];
  if (header.kind !== "image" || !["f8", "u4", "i4"].includes(header.dtype)) return 0;
  if (low === null || high === null || !(high > low)) return 0;
  return high - low < FINE * Math.max(Math.abs(low), Math.abs(high)) ? low : 0;
}

/**
 * Gives means over blocks, for a screen that has fewer pixels; unknown pixels do not count.
 *
 * @param {Drawable} drawable
 * @param {number} n Pixels of a block along each axis.
 * @returns {Drawable}
 */
export function reduced(drawable, n) {
  const { kind, width, height, values, extent } = drawable;
  const [rows, columns] = [Math.ceil(height / n), Math.ceil(width / n)];
  const colours = kind === "rgba" ? 4 : 1;
  const layers = kind === "field" ? 2 : 1;
  const count = layers * rows * columns * colours;
  const made = colours === 4 ? new Uint8Array(count) : new Float32Array(count);
  for (let layer = 0; layer < layers; layer++) {
    for (let row = 0; row < rows; row++) {
      const first = (layer * height + row * n) * width * colours;
      const tall = Math.min(n, height - row * n);
      const to = (layer * rows + row) * columns * colours;
      for (let c = 0; c < colours; c++) blockRow(values, first + c, width, colours, n, tall, made, to + c);
    }
  }
  const [top, left, bottom, right] = extent;
  const [down, across] = [((bottom - top) * rows * n) / height, ((right - left) * columns * n) / width];
  return { ...drawable, width: columns, height: rows, values: made, extent: [top, left, top + down, left + across] };
}

/**
 * Puts the means of one row of blocks into `made`.
 *
 * @param {Float32Array | Uint8Array} values
 * @param {number} first Place of the first number.
 * @param {number} width
 * @param {number} stride Numbers for each pixel.
 * @param {number} n
 * @param {number} tall Rows of the blocks.
 * @param {Float32Array | Uint8Array} made
 * @param {number} to Place of the first mean.
 */
function blockRow(values, first, width, stride, n, tall, made, to) {
  for (let left = 0; left < width; left += n, to += stride) {
    const wide = Math.min(n, width - left);
    let sum = 0;
    let known = 0;
    for (let y = 0; y < tall; y++) {
      let i = first + (y * width + left) * stride;
      for (let x = 0; x < wide; x++, i += stride) {
        const value = values[i];
        if (value < UNKNOWN) {
          sum += value;
          known++;
        }
      }
    }
    made[to] = known ? sum / known : UNKNOWN;
  }
}

/**
 * @param {Frame} frame
 * @param {number} count
 */
function coloursOf({ pixels, valid, shape }, count) {
  const depth = shape[2];
  const colours = new Uint8Array(4 * count);
  for (let i = 0; i < count; i++) {
    const known = !valid || valid[i];
    for (let c = 0; c < 3; c++) colours[4 * i + c] = pixels[depth * i + c];
    colours[4 * i + 3] = !known ? 0 : depth === 4 ? pixels[4 * i + 3] : 255;
  }
  return colours;
}

/**
 * Edges of the pixels on the whole picture. Those of a coarse grid may reach beyond it.
 *
 * @param {Header} header
 * @param {number} height
 * @param {number} width
 */
export function extentOf(header, height, width) {
  const [top, left, bottom, right] = boxOf(header, height, width);
  const step = header.step?.length === 2 ? header.step : null;
  return step ? [top, left, top + step[0] * height, left + step[1] * width] : [top, left, bottom, right];
}

/**
 * @param {Header} header
 * @param {number} height
 * @param {number} width
 */
function boxOf({ box }, height, width) {
  const known = box?.length === 4 && box[2] > box[0] && box[3] > box[1];
  return known ? /** @type {number[]} */ (box) : [0, 0, height, width];
}

/**
 * Gives rows and columns of the whole picture that a frame shows, or a part of.
 *
 * @param {Frame} frame
 * @returns {[number, number]}
 */
export function wholeSize({ header, shape }) {
  const size = header.kind === "rgba" ? (header.size ?? []).slice(0, 2) : header.size;
  if (size?.length === 2 && size.every((n) => n > 0)) return [size[0], size[1]];
  const [height, width] = header.kind === "field" ? shape.slice(1) : shape;
  return [height, width];
}

/**
 * Gives the number at a place of the whole picture: two of a field, y and x; null outside and where it is not known.
 *
 * @param {Frame} frame
 * @param {number} y
 * @param {number} x
 * @returns {number | number[] | null}
 */
export function valueAt(frame, y, x) {
  const { header, pixels, valid, shape } = frame;
  const [height, width] = header.kind === "field" ? shape.slice(1) : shape;
  const [size0, size1] = wholeSize(frame);
  const [top, left, bottom, right] = extentOf(header, height, width);
  const row = Math.floor(((y + 0.5 - top) * height) / (bottom - top));
  const column = Math.floor(((x + 0.5 - left) * width) / (right - left));
  if (y < -0.5 || x < -0.5 || y >= size0 - 0.5 || x >= size1 - 0.5) return null;
  if (!(row >= 0 && row < height && column >= 0 && column < width)) return null;
  const i = row * width + column;
  if (valid && !valid[i]) return null;
  if (header.kind === "rgba") return Array.from(pixels.subarray(i * shape[2], (i + 1) * shape[2]));
  if (header.kind === "field") return fieldValue(pixels[i], pixels[i + height * width]);
  return Number.isNaN(pixels[i]) ? null : pixels[i];
}

/**
 * @param {number} y
 * @param {number} x
 */
function fieldValue(y, x) {
  return Number.isNaN(y) || Number.isNaN(x) ? null : [y, x];
}
