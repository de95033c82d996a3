/** What a hand holds: a place, an outline, a region that is being drawn, or the picture itself. */

import { drawnRegion } from "./regions.js";

/** @typedef {import("./marks.js").Change} Change */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./types.js").Place} Place */

/**
 * @typedef {object} Drag
 * @property {(place: Place, screen: readonly [number, number]) => Change | null} move
 * @property {() => Change | null} undo Takes back what was done, and gives what is true again.
 * @property {Change | null} last
 * @property {string} [key] What is held.
 * @property {boolean} [pan] Whether it only moves the picture.
 */

/** Screen pixels that a hand moves before a region begins. */
const BEGIN = 3;

/**
 * Holds a thing where it was grasped: it does not jump to the hand.
 *
 * @param {Scene} scene
 * @param {string} key
 * @param {Place} start
 * @returns {Drag}
 */
export function graspDrag({ marks }, key, start) {
  const { handles, line, position, region } = marks;
  const circle = marks.shapes.find((shape) => shape.key === key && shape.kind === "circle");
  const from = marks.placeOf(key) ?? start;
  /** @type {(place: Place) => Place} */
  const moved = circle
    ? radially(circle.at, start)
    : ({ y, x }) => ({ y: y + from.y - start.y, x: x + from.x - start.x });
  return {
    move: (place) => marks.move(key, moved(place)),
    undo: () => {
      const change = marks.move(key, { y: from.y, x: from.x }, 1e-6);
      Object.assign(marks, { handles, line, position, region });
      return change;
    },
    last: null,
    key,
  };
}

/**
 * @param {number[]} circle
 * @param {Place} start
 * @returns {(place: Place) => Place}
 */
function radially([y, x, r], start) {
  const more = r - Math.hypot(start.y - y, start.x - x);
  return (place) => {
    const [dy, dx] = [place.y - y, place.x - x];
    const far = Math.hypot(dy, dx);
    const part = far > 0 ? Math.max(0, far + more) / far : 0;
    return { y: y + part * dy, x: x + part * dx };
  };
}

/**
 * @param {Scene} scene
 * @returns {Drag}
 */
export function pickDrag({ marks }) {
  const before = marks.position;
  return {
    move: (place) => marks.pick(place),
    undo: () => {
      marks.position = before;
      return before && { name: "pick", detail: { ...before } };
    },
    last: null,
    key: "position/",
  };
}

/**
 * Draws a region or a line.
 *
 * @param {Scene} scene
 * @param {string} tool
 * @param {Place} start
 * @param {readonly [number, number]} from
 * @returns {Drag}
 */
export function drawDrag({ marks }, tool, start, from) {
  const { line, region } = marks;
  const path = [start];
  let begun = false;
  return {
    move: (place, screen) => {
      begun ||= Math.hypot(screen[0] - from[0], screen[1] - from[1]) >= BEGIN;
      if (!begun) return null;
      path.push(place);
      if (tool === "line") {
        marks.line = { y0: start.y, x0: start.x, y1: start.y, x1: start.x };
        marks.move("line/0", start);
        return marks.move("line/1", place);
      }
      marks.region = drawnRegion(tool, path, marks.size, marks.quantum) ?? marks.region;
      return marks.region && { name: "region", detail: { region: marks.region } };
    },
    undo: () => {
      Object.assign(marks, { line, region });
      if (!begun) return null;
      return tool === "line" ? { name: "line", detail: { line } } : { name: "region", detail: { region } };
    },
    last: null,
    key: tool === "line" ? "line/" : "region/",
  };
}

/**
 * @param {Scene} scene
 * @param {readonly [number, number]} from
 * @param {() => void} viewed
 * @returns {Drag}
 */
export function panDrag(scene, from, viewed) {
  let at = from;
  return {
    move: (_, screen) => {
      scene.view.pan(screen[0] - at[0], screen[1] - at[1]);
      at = screen;
      viewed();
      return null;
    },
    undo: () => null,
    last: null,
    pan: true,
  };
}
