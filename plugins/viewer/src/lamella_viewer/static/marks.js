/** Everything that is drawn over a picture and can be moved: handles, the cross, a region, a line. */

import { changedHandle, handleKnobs, handleShapes, movedHandle, pixelText, within } from "./handles.js";
import { movedRegion, regionKnobs, regionShapes, resizedRegion } from "./regions.js";

/** @typedef {import("./types.js").Axis} Axis */
/** @typedef {import("./types.js").Handle} Handle */
/** @typedef {import("./types.js").Knob} Knob */
/** @typedef {import("./types.js").Line} Line */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").Region} Region */
/** @typedef {import("./types.js").Shape} Shape */

/** @typedef {{name: "handle" | "pick" | "region" | "line", detail: Record<string, any>}} Change What an event tells. */

/** State of what is drawn over a picture. */
export class Marks {
  /** @type {Handle[]} */
  handles = [];
  /** @type {Place | null} */
  position = null;
  /** A place that the pointer is at in another picture. @type {Place | null} */
  pointer = null;
  /** @type {Region | null} */
  region = null;
  /** @type {Line | null} */
  line = null;
  /** @type {[number, number]} */
  size = [1, 1];
  /** @type {Axis[]} */
  axes = [];
  /** Numbers that a hand gives are multiples of it. */
  quantum = 1;

  /** @returns {Shape[]} */
  get shapes() {
    const { line, region } = this;
    /** @type {Shape[]} */
    const shapes = this.handles.flatMap((handle) => handleShapes(handle, this.size));
    if (region) shapes.push(...regionShapes(region));
    if (this.pointer) shapes.push({ kind: "cross", at: [this.pointer.y, this.pointer.x], dashed: true });
    if (line) shapes.push({ kind: "line", at: [line.y0, line.x0, line.y1, line.x1], key: "line/all" });
    return shapes;
  }

  /** @returns {Knob[]} */
  get knobs() {
    const { axes, line, position, region } = this;
    const knobs = this.handles.flatMap((handle) => handleKnobs(handle, this.size, axes));
    if (position) {
      const { y, x } = position;
      knobs.push({ key: "position/", label: "position", text: placeText(y, x, axes), y, x, now: y, look: "cross" });
    }
    if (region) knobs.push(...regionKnobs(region, axes));
    if (line) {
      const { y0, x0, y1, x1 } = line;
      knobs.push({ key: "line/0", label: "line, first end", text: placeText(y0, x0, axes), y: y0, x: x0, now: y0 });
      knobs.push({ key: "line/1", label: "line, second end", text: placeText(y1, x1, axes), y: y1, x: x1, now: y1 });
    }
    return knobs;
  }

  /**
   * Where a thing is that has a key; also of an outline without a knob of its own.
   *
   * @param {string} key
   * @returns {Place | undefined}
   */
  placeOf(key) {
    if (key === "line/all" && this.line) {
      return { y: (this.line.y0 + this.line.y1) / 2, x: (this.line.x0 + this.line.x1) / 2 };
    }
    return this.knobs.find((knob) => knob.key === key);
  }

  /**
   * Moves a thing to a place.
   *
   * @param {string} key
   * @param {Place} place
   * @param {number} [quantum]
   * @returns {Change | null}
   */
  move(key, place, quantum = this.quantum) {
    const [what, ...rest] = key.split("/");
    if (what === "handle") return this.#moveHandle(rest, (handle, part) => movedHandle(handle, part, place, this.size, quantum));
    if (what === "region" && this.region) {
      this.region = movedRegion(this.region, rest[0], place, this.size, quantum);
      return { name: "region", detail: { region: this.region } };
    }
    if (what === "line" && this.line) return this.#moveLine(rest[0], place, quantum);
    return what === "position" ? this.pick(place) : null;
  }

  /**
   * Moves a thing by as much as a key says; radii and angles grow to the right and upwards.
   *
   * @param {string} key
   * @param {number} down
   * @param {number} right
   * @returns {Change | null}
   */
  nudge(key, down, right) {
    const [what, ...rest] = key.split("/");
    if (what === "handle" && rest[rest.length - 1] !== "") {
      return this.#moveHandle(rest, (handle, part) => changedHandle(handle, part, right - down));
    }
    if (what === "region" && this.region && /^r[io]?$/.test(rest[0])) {
      this.region = resizedRegion(this.region, rest[0], this.region[rest[0]] + right - down, 1e-6);
      return { name: "region", detail: { region: this.region } };
    }
    const from = this.placeOf(key);
    const step = Math.abs(down) + Math.abs(right);
    const whole = what === "position" || (what === "region" && this.region?.kind === "rect");
    const by = whole && step < 1 ? 0 : 1;
    return from ? this.move(key, { y: from.y + by * down, x: from.x + by * right }, 1e-6) : null;
  }

  /**
   * Changes the radius that belongs to a thing; the largest one if it has several and is none itself.
   *
   * @param {string} key
   * @param {number} by
   * @returns {Change | null}
   */
  grow(key, by) {
    const [what, ...rest] = key.split("/");
    if (what === "region" && this.region) {
      const own = /^r[io]?$/.test(rest[0]) ? rest[0] : { disk: "r", ring: "ro" }[this.region.kind];
      return own ? this.nudge(`region/${own}`, 0, by) : null;
    }
    const part = rest.pop() ?? "";
    const id = rest.join("/");
    const radii = this.handles.find((handle) => handle.id === id)?.radii ?? [];
    const chosen = radii.find((one) => one.name === part) ?? radii[radii.length - 1];
    return chosen ? this.nudge(`handle/${id}/${chosen.name}`, 0, by) : null;
  }

  /**
   * @param {Place} place
   * @returns {Change}
   */
  pick({ y, x }) {
    this.position = { y: within(y, 0, this.size[0] - 1, 1), x: within(x, 0, this.size[1] - 1, 1) };
    return { name: "pick", detail: { ...this.position } };
  }

  /**
   * @param {string[]} rest
   * @param {(handle: Handle, part: string) => {handle: Handle, values: Record<string, number>}} change
   * @returns {Change | null}
   */
  #moveHandle(rest, change) {
    const part = rest[rest.length - 1];
    const id = rest.slice(0, -1).join("/");
    const i = this.handles.findIndex((handle) => handle.id === id);
    if (i < 0) return null;
    const { handle, values } = change(this.handles[i], part);
    this.handles = this.handles.with(i, handle);
    return { name: "handle", detail: { id, values } };
  }

  /**
   * @param {string} part
   * @param {Place} place
   * @param {number} quantum
   * @returns {Change}
   */
  #moveLine(part, place, quantum) {
    const line = /** @type {Line} */ (this.line);
    const y = within(place.y, 0, this.size[0] - 1, quantum);
    const x = within(place.x, 0, this.size[1] - 1, quantum);
    if (part === "0") this.line = { ...line, y0: y, x0: x };
    else if (part === "1") this.line = { ...line, y1: y, x1: x };
    else {
      const dy = y - (line.y0 + line.y1) / 2;
      const dx = x - (line.x0 + line.x1) / 2;
      this.line = { y0: line.y0 + dy, x0: line.x0 + dx, y1: line.y1 + dy, x1: line.x1 + dx };
    }
    return { name: "line", detail: { line: this.line } };
  }
}

/**
 * @param {number} y
 * @param {number} x
 * @param {Axis[]} axes
 */
function placeText(y, x, axes) {
  return `${pixelText("y", y, axes[0])}; ${pixelText("x", x, axes[1])}`;
}
