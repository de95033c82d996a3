/** Regions of the scan: rectangles, disks, rings, points, outlines drawn by hand; as `live/regions.py` takes them. */

import { lengthInUnits, within } from "./handles.js";
import { formatNumber } from "./numbers.js";

/** @typedef {import("./types.js").Axis} Axis */
/** @typedef {import("./types.js").Knob} Knob */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").Region} Region */
/** @typedef {import("./types.js").Shape} Shape */

/** Tools that draw a region. */
export const REGION_TOOLS = ["rect", "disk", "ring", "polygon"];
const CORNERS = [
  ["y0", "x0", "upper left corner"],
  ["y0", "x1", "upper right corner"],
  ["y1", "x1", "lower right corner"],
  ["y1", "x0", "lower left corner"],
];
/** Points of an outline that is drawn by hand at most; the Python module takes 1000. */
const MOST_POINTS = 400;

/**
 * Gives the outline. Edges of a rectangle lie between pixels: it is half open.
 *
 * @param {Region} region
 * @returns {Shape[]}
 */
export function regionShapes(region) {
  const { kind, y0, x0, y1, x1, cy, cx, r, ri, ro } = region;
  const shapes = {
    rect: () => [{ kind: "rect", at: [y0 - 0.5, x0 - 0.5, y1 - 0.5, x1 - 0.5], key: "region/all" }],
    disk: () => [{ kind: "circle", at: [cy, cx, r], key: "region/r" }],
    ring: () => [
      { kind: "circle", at: [cy, cx, ri], key: "region/ri" },
      { kind: "circle", at: [cy, cx, ro], key: "region/ro" },
    ],
    polygon: () => [{ kind: "polygon", at: (region.points ?? []).flat(), key: "region/all" }],
  }[kind];
  return /** @type {Shape[]} */ (shapes?.() ?? []).map((one) => ({ ...one, dashed: true }));
}

/**
 * @param {Region} region
 * @param {Axis[]} axes
 * @returns {Knob[]}
 */
export function regionKnobs(region, axes) {
  const { kind, y0, x0, y1, x1, cy, cx } = region;
  const text = (/** @type {number} */ y, /** @type {number} */ x) => `y ${formatNumber(y)}, x ${formatNumber(x)} px`;
  /** @type {(part: string, label: string, y: number, x: number, told?: string, now?: number) => Knob} */
  const knob = (part, label, y, x, told, now = y) => ({
    key: `region/${part}`,
    label: `region, ${label}`,
    text: told ?? text(y, x),
    y,
    x,
    now,
  });
  if (kind === "rect") {
    const middle = knob("all", "centre", (y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2);
    const corners = CORNERS.map(([y, x, label]) =>
      knob(`${y}${x}`, label, region[y] - 0.5, region[x] - 0.5, text(region[y], region[x]), region[y]),
    );
    return [middle, ...corners];
  }
  if (kind === "disk" || kind === "ring") {
    const radii = kind === "disk" ? [["r", "radius"]] : [["ri", "inner radius"], ["ro", "outer radius"]];
    const around = radii.map(([part, label]) =>
      knob(part, label, cy, cx + region[part], lengthInUnits(region[part], axes), region[part]),
    );
    return [knob("all", "centre", cy, cx), ...around];
  }
  if (kind === "point") return [knob("all", "point", region.y, region.x)];
  if (kind === "polygon" && region.points?.length) return [knob("all", "centre", ...centroid(region.points))];
  return [];
}

/** @param {number[][]} points */
function centroid(points) {
  const sum = points.reduce(([a, b], [y, x]) => [a + y, b + x], [0, 0]);
  return /** @type {[number, number]} */ ([sum[0] / points.length, sum[1] / points.length]);
}

/**
 * Gives what a region becomes when one of its places is moved.
 *
 * @param {Region} region
 * @param {string} part
 * @param {Place} place
 * @param {[number, number]} size
 * @param {number} quantum
 * @returns {Region}
 */
export function movedRegion(region, part, place, size, quantum) {
  const { kind } = region;
  if (part === "all") {
    const from = regionKnobs(region, [])[0];
    const step = kind === "rect" || kind === "point" ? 1 : quantum;
    return shifted(region, within(place.y - from.y, -1e9, 1e9, step), within(place.x - from.x, -1e9, 1e9, step), size);
  }
  if (kind === "rect") {
    const [y, x] = [part.slice(0, 2), part.slice(2)];
    return { ...region, [y]: within(place.y + 0.5, 0, size[0], 1), [x]: within(place.x + 0.5, 0, size[1], 1) };
  }
  return resizedRegion(region, part, Math.hypot(place.y - region.cy, place.x - region.cx), quantum);
}

/**
 * @param {Region} region
 * @param {string} part
 * @param {number} length
 * @param {number} quantum
 * @returns {Region}
 */
export function resizedRegion(region, part, length, quantum) {
  const most = part === "ri" ? region.ro : Infinity;
  return { ...region, [part]: within(length, part === "ro" ? region.ri : 0, most, quantum) };
}

/**
 * @param {Region} region
 * @param {number} down
 * @param {number} right
 * @param {[number, number]} size
 * @returns {Region}
 */
function shifted(region, down, right, size) {
  if (region.kind === "rect") {
    const { y0, x0, y1, x1 } = region;
    const dy = Math.min(size[0] - Math.max(y0, y1), Math.max(-Math.min(y0, y1), down));
    const dx = Math.min(size[1] - Math.max(x0, x1), Math.max(-Math.min(x0, x1), right));
    return { ...region, y0: y0 + dy, x0: x0 + dx, y1: y1 + dy, x1: x1 + dx };
  }
  if (region.kind === "polygon") {
    return { ...region, points: (region.points ?? []).map(([y, x]) => [y + down, x + right]) };
  }
  const [y, x] = region.kind === "point" ? ["y", "x"] : ["cy", "cx"];
  const at = (/** @type {number} */ value, /** @type {number} */ n) => within(value, 0, n - 1, 1e-6);
  return { ...region, [y]: at(region[y] + down, size[0]), [x]: at(region[x] + right, size[1]) };
}

/**
 * Gives the region that a hand draws: null as long as it is too small.
 *
 * @param {string} tool
 * @param {Place[]} path From where the hand began to where it is.
 * @param {[number, number]} size
 * @param {number} quantum
 * @returns {Region | null}
 */
export function drawnRegion(tool, path, size, quantum) {
  const first = path[0];
  const last = path[path.length - 1];
  if (tool === "rect") {
    const edges = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ n) => [
      within(Math.min(a, b), 0, n - 1, 1),
      within(Math.max(a, b), 0, n - 1, 1) + 1,
    ];
    const [y0, y1] = edges(first.y, last.y, size[0]);
    const [x0, x1] = edges(first.x, last.x, size[1]);
    return { kind: "rect", y0, x0, y1, x1 };
  }
  if (tool === "polygon") {
    const step = Math.max(1, Math.ceil(path.length / MOST_POINTS));
    const kept = path.filter((_, i) => i % step === 0).map(({ y, x }) => [Number(y.toFixed(2)), Number(x.toFixed(2))]);
    return kept.length >= 3 ? { kind: "polygon", points: kept } : null;
  }
  const cy = within(first.y, 0, size[0] - 1, quantum);
  const cx = within(first.x, 0, size[1] - 1, quantum);
  const r = within(Math.hypot(last.y - cy, last.x - cx), 0, Infinity, quantum);
  if (r <= 0) return null;
  return tool === "disk" ? { kind: "disk", cy, cx, r } : { kind: "ring", cy, cx, ri: within(r / 2, 0, r, quantum), ro: r };
}
