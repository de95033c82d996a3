/** Handles of analyses: a centre, circles around it, an angle; as outlines and as places that can be moved. */

import { withUnit } from "./numbers.js";

/** @typedef {import("./types.js").Axis} Axis */
/** @typedef {import("./types.js").Handle} Handle */
/** @typedef {import("./types.js").HandleNumber} HandleNumber */
/** @typedef {import("./types.js").Knob} Knob */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").Shape} Shape */

/**
 * @param {Handle} handle
 * @param {[number, number]} size
 * @returns {Place}
 */
function centreOf(handle, size) {
  const other = handle.centre ?? { y: (size[0] - 1) / 2, x: (size[1] - 1) / 2 };
  return { y: handle.y?.value ?? other.y, x: handle.x?.value ?? other.x };
}

/**
 * Gives the end of the line that shows an angle.
 *
 * @param {Handle} handle
 * @param {[number, number]} size
 * @returns {Place}
 */
function angleEnd(handle, size) {
  const { y, x } = centreOf(handle, size);
  const length = Math.max(0, ...(handle.radii ?? []).map((one) => one.value)) || Math.min(...size) / 4;
  const angle = ((handle.angle?.value ?? 0) * Math.PI) / 180;
  return { y: y + length * Math.sin(angle), x: x + length * Math.cos(angle) };
}

/**
 * Gives outlines.
 *
 * @param {Handle} handle
 * @param {[number, number]} size
 * @returns {Shape[]}
 */
export function handleShapes(handle, size) {
  const { y, x } = centreOf(handle, size);
  /** @type {Shape[]} */
  const shapes = (handle.radii ?? []).map((radius) => ({
    kind: "circle",
    at: [y, x, radius.value],
    key: handle.readonly ? undefined : `handle/${handle.id}/${radius.name}`,
  }));
  if (handle.angle) {
    const end = angleEnd(handle, size);
    shapes.push({ kind: "line", at: [y, x, end.y, end.x] });
  }
  return shapes;
}

/**
 * Gives the places that can be moved.
 *
 * @param {Handle} handle
 * @param {[number, number]} size
 * @param {Axis[]} axes
 * @returns {Knob[]}
 */
export function handleKnobs(handle, size, axes) {
  if (handle.readonly) return [];
  const { y, x } = centreOf(handle, size);
  /** @type {Knob[]} */
  const knobs = [];
  const named = (/** @type {string} */ part) => `${handle.label} ${part}`.trim();
  if (handle.y || handle.x) {
    const parts = [handle.y ? pixelText("y", y, axes[0]) : "", handle.x ? pixelText("x", x, axes[1]) : ""];
    const label = (handle.radii ?? []).length ? named("centre") : named("");
    const text = parts.filter(Boolean).join(", ");
    knobs.push({ key: `handle/${handle.id}/`, label, text, y, x, now: handle.y ? y : x });
  }
  for (const radius of handle.radii ?? []) {
    const r = radius.value;
    knobs.push({
      key: `handle/${handle.id}/${radius.name}`,
      label: named(radius.label ?? radius.name),
      text: lengthInUnits(r, axes),
      y,
      x: x + r,
      now: r,
      min: radius.min ?? 0,
      others: [
        { y, x: x - r },
        { y: y + r, x },
        { y: y - r, x },
      ],
    });
  }
  if (handle.angle) {
    const { name, value, label } = handle.angle;
    const text = `${withUnit(value, "°")}`;
    knobs.push({ key: `handle/${handle.id}/${name}`, label: named(label ?? name), text, ...angleEnd(handle, size), now: value });
  }
  return knobs;
}

/**
 * Gives what a handle becomes when one of its places is moved, and the numbers that change.
 *
 * @param {Handle} handle
 * @param {string} part Name of a radius or of the angle; empty for the centre.
 * @param {Place} place
 * @param {[number, number]} size
 * @param {number} quantum Numbers become multiples of it.
 * @returns {{handle: Handle, values: Record<string, number>}}
 */
export function movedHandle(handle, part, place, size, quantum) {
  const [y0, x0, y1, x1] = handle.limits ?? [0, 0, size[0] - 1, size[1] - 1];
  if (part === "") {
    const y = handle.y && { ...handle.y, value: within(place.y, y0, y1, quantum) };
    const x = handle.x && { ...handle.x, value: within(place.x, x0, x1, quantum) };
    const values = Object.fromEntries([y, x].flatMap((one) => (one ? [[one.name, one.value]] : [])));
    return { handle: { ...handle, y, x }, values };
  }
  const centre = centreOf(handle, size);
  if (handle.angle?.name === part) {
    const degrees = (Math.atan2(place.y - centre.y, place.x - centre.x) * 180) / Math.PI;
    return turnedHandle(handle, degrees, quantum);
  }
  return resizedHandle(handle, part, Math.hypot(place.y - centre.y, place.x - centre.x), quantum);
}

/**
 * Gives what a handle becomes when a number of it changes by as much as a key says.
 *
 * @param {Handle} handle
 * @param {string} part
 * @param {number} by
 */
export function changedHandle(handle, part, by) {
  if (handle.angle?.name === part) return turnedHandle(handle, handle.angle.value + by, 1e-6);
  const radius = (handle.radii ?? []).find((one) => one.name === part);
  return resizedHandle(handle, part, (radius?.value ?? 0) + by, 1e-6);
}

/**
 * @param {Handle} handle
 * @param {number} degrees
 * @param {number} quantum
 */
function turnedHandle(handle, degrees, quantum) {
  const turned = ((((degrees + 180) % 360) + 360) % 360) - 180;
  const angle = { .../** @type {HandleNumber} */ (handle.angle), value: rounded(turned, quantum) };
  return { handle: { ...handle, angle }, values: { [angle.name]: angle.value } };
}

/**
 * @param {Handle} handle
 * @param {string} part
 * @param {number} length
 * @param {number} quantum
 */
function resizedHandle(handle, part, length, quantum) {
  const radii = [...(handle.radii ?? [])];
  const i = radii.findIndex((one) => one.name === part);
  if (i < 0) return { handle, values: {} };
  const least = Math.max(radii[i].min ?? 0, radii[i - 1]?.value ?? 0);
  const most = radii[i + 1]?.value ?? Infinity;
  radii[i] = { ...radii[i], value: within(length, least, most, quantum) };
  return { handle: { ...handle, radii }, values: { [part]: radii[i].value } };
}

/**
 * Gives a multiple of `quantum` between limits.
 *
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @param {number} quantum
 */
export function within(value, low, high, quantum) {
  return Math.min(high, Math.max(low, rounded(value, quantum)));
}

/**
 * @param {number} value
 * @param {number} quantum
 */
function rounded(value, quantum) {
  return Number((Math.round(value / quantum) * quantum).toFixed(6)) + 0;
}

/**
 * Gives an index and, of an axis with a unit, where it lies.
 *
 * @param {string} name
 * @param {number} value
 * @param {Axis | undefined} axis
 */
export function pixelText(name, value, axis) {
  const pixels = `${name} ${withUnit(value, "px")}`;
  return axis?.unit ? `${pixels}, ${withUnit(axis.offset + axis.scale * value, axis.unit, 4)}` : pixels;
}

/**
 * Gives a length in pixels and, if both axes have the same unit and step, in this unit.
 *
 * @param {number} length
 * @param {Axis[]} axes
 */
export function lengthInUnits(length, axes) {
  const [first, second] = axes;
  const pixels = withUnit(length, "px");
  const same = second?.unit && first?.unit === second.unit && Math.abs(first.scale) === Math.abs(second.scale);
  return same ? `${pixels}, ${withUnit(length * Math.abs(second.scale), second.unit, 4)}` : pixels;
}
