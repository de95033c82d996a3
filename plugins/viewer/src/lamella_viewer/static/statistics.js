/** Numbers of a picture in a region, as a text. */

import { wholeSize } from "./drawables.js";
import { withUnit } from "./numbers.js";

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Region} Region */

/** @typedef {[number, number][]} Spans Parts of a row: first column, and the one behind the last. */

/**
 * Gives the pixels of a region in a row, as `live/regions.py` selects them.
 *
 * @param {Region} region
 * @param {number} y
 * @param {number} width
 * @returns {Spans}
 */
export function rowSpans(region, y, width) {
  const { kind, y0, y1, x0, x1, cy, cx, r, ri, ro } = region;
  const span = (/** @type {number} */ from, /** @type {number} */ to) => {
    const [first, end] = [Math.max(0, Math.ceil(from)), Math.min(width, Math.ceil(to))];
    return /** @type {Spans} */ (first < end ? [[first, end]] : []);
  };
  if (kind === "rect") {
    return y >= Math.min(y0, y1) && y < Math.max(y0, y1) ? span(Math.min(x0, x1), Math.max(x0, x1)) : [];
  }
  if (kind === "point") {
    const column = Math.floor(region.x + 0.5);
    return y === Math.floor(region.y + 0.5) ? span(column, column + 1) : [];
  }
  if (kind === "polygon") return crossings(region.points ?? [], y).flatMap(([from, to]) => span(from, to));
  const half = (/** @type {number} */ radius) => Math.sqrt(radius ** 2 - (y - cy) ** 2);
  const outer = half(kind === "disk" ? r : ro);
  if (Number.isNaN(outer)) return [];
  const [left, right] = [Math.ceil(cx - outer), Math.floor(cx + outer) + 1];
  const inner = kind === "ring" ? half(ri) : NaN;
  if (!(inner > 0)) return span(left, right);
  return [...span(left, Math.floor(cx - inner) + 1), ...span(Math.ceil(cx + inner), right)];
}

/**
 * @param {number[][]} points
 * @param {number} y
 * @returns {[number, number][]}
 */
function crossings(points, y) {
  const places = points.flatMap(([ay, ax], i) => {
    const [by, bx] = points[(i + 1) % points.length];
    return ay > y !== by > y ? [((bx - ax) * (y - ay)) / (by - ay) + ax] : [];
  });
  places.sort((a, b) => a - b);
  return Array.from({ length: places.length / 2 }, (_, i) => [places[2 * i], places[2 * i + 1]]);
}

/**
 * Gives count, mean and standard deviation of the known numbers of an image in a region; null of what is sent in part.
 *
 * @param {Frame} frame
 * @param {Region} region
 */
export function regionStatistics({ header, pixels, valid, shape }, region) {
  const [height, width] = shape;
  const whole = wholeSize({ header, pixels, valid, shape });
  if (header.kind !== "image" || whole[0] !== height || whole[1] !== width) return null;
  let [count, mean, squares] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (const [first, end] of rowSpans(region, y, width)) {
      for (let i = y * width + first; i < y * width + end; i++) {
        const value = pixels[i];
        if ((valid && !valid[i]) || !Number.isFinite(value)) continue;
        count++;
        const far = value - mean;
        mean += far / count;
        squares += far * (value - mean);
      }
    }
  }
  return { count, mean: count ? mean : NaN, deviation: count ? Math.sqrt(squares / count) : NaN };
}

/**
 * Gives the statistics of a region as text, such as "region: 17.2 ± 3.1 counts, 1204 px".
 *
 * @param {Frame} frame
 * @param {Region} region
 */
export function statisticsText(frame, region) {
  const found = regionStatistics(frame, region);
  if (!found) return "";
  const numbers = found.count
    ? `${withUnit(found.mean, "", 4)} ± ${withUnit(found.deviation, frame.header.unit, 3)}, `
    : "";
  return `region: ${numbers}${withUnit(found.count, "px")}`;
}
