/** Profiles of a picture as curves: along a line, and around a centre. */

import { extentOf, valueAt } from "./drawables.js";
import { pixelRatio } from "./geometry.js";

/** @typedef {import("./types.js").Axis} Axis */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Line} Line */
/** @typedef {import("./types.js").Place} Place */

/**
 * Gives the numbers along a line, at most a pixel apart; between pixels they are interpolated.
 *
 * @param {Frame} frame Of kind "image".
 * @param {Line} line
 * @returns {Frame} Of kind "curve".
 */
export function lineProfile(frame, { y0, x0, y1, x1 }) {
  const ratio = pixelRatio(frame.header.axes);
  const length = Math.hypot((y1 - y0) * ratio, x1 - x0);
  const steps = Math.max(1, Math.ceil(Math.hypot(y1 - y0, x1 - x0)));
  const values = Float64Array.from({ length: steps + 1 }, (_, i) =>
    between(frame, y0 + ((y1 - y0) * i) / steps, x0 + ((x1 - x0) * i) / steps),
  );
  return curveFrame(values, frame, "distance", length / steps, "Profile along the line");
}

/**
 * Gives the means of all pixels at the same distance from a centre, rounded to pixels; also of a part or of block means.
 *
 * @param {Frame} frame Of kind "image".
 * @param {Place} centre In pixels of the whole picture.
 * @returns {Frame} Of kind "curve".
 */
export function radialProfile(frame, centre) {
  const { pixels, valid, shape } = frame;
  const [height, width] = shape;
  const ratio = pixelRatio(frame.header.axes);
  const [top, left, bottom, right] = extentOf(frame.header, height, width);
  const [tall, wide] = [(bottom - top) / height, (right - left) / width];
  const across = Float64Array.from({ length: width }, (_, i) => (left + (i + 0.5) * wide - 0.5 - centre.x) ** 2);
  /** @type {number[]} */
  const sums = [];
  /** @type {number[]} */
  const counts = [];
  for (let row = 0; row < height; row++) {
    const down = ((top + (row + 0.5) * tall - 0.5 - centre.y) * ratio) ** 2;
    for (let column = 0, i = row * width; column < width; column++, i++) {
      const value = pixels[i];
      if (!Number.isFinite(value) || (valid && !valid[i])) continue;
      const r = Math.round(Math.sqrt(down + across[column]));
      sums[r] = (sums[r] ?? 0) + value;
      counts[r] = (counts[r] ?? 0) + 1;
    }
  }
  const means = Float64Array.from(sums, (sum, r) => (counts[r] ? sum / counts[r] : NaN));
  return curveFrame(means, frame, "radius", 1, "Radial profile");
}

/**
 * @param {Frame} frame
 * @param {number} y
 * @param {number} x
 */
function between(frame, y, x) {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  let sum = 0;
  for (const [row, column, part] of [
    [top, left, (top + 1 - y) * (left + 1 - x)],
    [top, left + 1, (top + 1 - y) * (x - left)],
    [top + 1, left, (y - top) * (left + 1 - x)],
    [top + 1, left + 1, (y - top) * (x - left)],
  ]) {
    if (part <= 1e-9) continue;
    const value = valueAt(frame, row, column);
    sum += typeof value === "number" ? part * value : NaN;
  }
  return sum;
}

/**
 * @param {Float64Array} values
 * @param {Frame} source
 * @param {string} name
 * @param {number} step In pixels along x.
 * @param {string} title
 * @returns {Frame}
 */
function curveFrame(values, { header }, name, step, title) {
  const axis = header.axes?.[1];
  const known = values.filter(Number.isFinite);
  const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
  const scale = axis?.unit ? step * Math.abs(axis.scale) : step;
  return {
    header: {
      kind: "curve",
      dtype: "f8",
      shape: [values.length],
      size: [values.length],
      axes: [{ name, scale, offset: 0, unit: axis?.unit || "px" }],
      unit: header.unit,
      scale: "linear",
      title,
      desc: header.title,
      stage: header.stage,
      label: header.label,
      extremes: [low, high],
      range: [low, high],
    },
    pixels: values,
    valid: null,
    shape: [values.length],
  };
}
