/** The canvas of a picture: chooses how to draw, and goes on where a graphics card fails. */

import { drawableOf } from "./drawables.js";
import { PlainPainter } from "./painter_2d.js";
import { GraphicsPainter } from "./painter_gl.js";

/** @typedef {import("./geometry.js").View} View */
/** @typedef {import("./types.js").Canvas} Canvas */
/** @typedef {import("./types.js").Drawable} Drawable */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Look} Look */
/** @typedef {import("./types.js").Painter} Painter */

/** One canvas in a pane. */
export class Screen {
  /** Whether to do without the graphics card. */
  plain = false;
  /** @type {Painter | null} */
  #painter = null;
  /** @type {Frame | null} */
  #frame = null;
  /** @type {Drawable | null} */
  #drawable = null;

  /**
   * @param {HTMLElement} pane
   * @param {() => void} changed Called when the picture must be drawn again.
   */
  constructor(pane, changed) {
    this.pane = pane;
    this.changed = changed;
  }

  /** How it draws: "webgl2" or "canvas"; empty before the first picture. */
  get name() {
    return this.#painter?.name ?? "";
  }

  get canvas() {
    return (this.#painter ?? this.#start(null)).canvas;
  }

  /** @param {string} name */
  set label(name) {
    if (this.canvas.getAttribute("aria-label") !== name) this.canvas.setAttribute("aria-label", name);
  }

  /**
   * @param {Frame | null} frame
   * @param {View} view
   * @param {Look} look
   * @param {number} density Pixels of the screen for each CSS pixel.
   */
  draw(frame, view, look, density) {
    const drawable = this.#load(frame);
    const { canvas } = this;
    canvas.hidden = drawable === null;
    if (!drawable || !this.#painter) return;
    const [height, width] = view.pane.map((n) => Math.max(1, Math.round(n * density)));
    if (canvas.height !== height) canvas.height = height;
    if (canvas.width !== width) canvas.width = width;
    this.#painter.draw(canvasPlace(drawable, view, density), look);
  }

  /**
   * @param {Frame | null} frame
   * @returns {Drawable | null}
   */
  #load(frame) {
    if (frame !== this.#frame) {
      this.#frame = frame;
      this.#drawable = frame && !frame.shape.includes(0) ? drawableOf(frame) : null;
      if (this.#drawable) this.#fitting(this.#drawable).load(this.#drawable);
    } else if (this.#drawable && this.#painter?.lost) {
      this.#fitting(this.#drawable).load(this.#drawable);
    }
    return this.#drawable;
  }

  /**
   * Gives a painter that can draw it.
   *
   * @param {Drawable} drawable
   * @returns {Painter}
   */
  #fitting(drawable) {
    const painter = this.#painter;
    const usable = painter && !painter.lost && (painter.name === "canvas") === this.plain && painter.holds(drawable);
    return usable ? painter : this.#start(drawable);
  }

  /**
   * @param {Drawable | null} drawable
   * @returns {Painter}
   */
  #start(drawable) {
    const before = this.#painter;
    const painter = (!this.plain && !before?.lost && graphics(drawable)) || new PlainPainter();
    const { canvas } = painter;
    const focused = before !== null && before.canvas.matches(":focus");
    canvas.setAttribute("role", "img");
    canvas.tabIndex = 0;
    canvas.setAttribute("aria-label", before?.canvas.getAttribute("aria-label") ?? "Picture");
    canvas.addEventListener("webglcontextlost", this.changed);
    if (before) before.canvas.replaceWith(canvas);
    else this.pane.prepend(canvas);
    if (focused) canvas.focus();
    before?.close();
    this.#painter = painter;
    return painter;
  }

  /** Gives the graphics card back; the next drawing takes it again. */
  close() {
    if (this.#painter?.name !== "webgl2") return;
    const { canvas } = this.#painter;
    canvas.removeEventListener("webglcontextlost", this.changed);
    this.#painter.close();
    canvas.remove();
    this.#painter = this.#frame = this.#drawable = null;
  }
}

/**
 * @param {Drawable | null} drawable
 * @returns {Painter | null}
 */
function graphics(drawable) {
  try {
    const painter = new GraphicsPainter();
    if (!drawable || painter.holds(drawable)) return painter;
    painter.close();
  } catch {
    // The browser or the graphics card cannot; the other painter can.
  }
  return null;
}

/**
 * @param {Drawable} drawable
 * @param {View} view
 * @param {number} density
 * @returns {Canvas}
 */
function canvasPlace({ extent, width, height }, view, density) {
  const [top, left, bottom, right] = extent;
  const [perRow, perColumn] = [(bottom - top) / height, (right - left) / width];
  const corner = view.toIndex(0, 0);
  const edges = [view.toScreen(-0.5, -0.5), view.toScreen(view.size[0] - 0.5, view.size[1] - 0.5)];
  const limits = [view.pane[0], view.pane[1]].map((n) => Math.round(n * density));
  const clip = edges.flatMap((edge) =>
    edge.map((value, axis) => Math.min(limits[axis], Math.max(0, Math.round(value * density)))),
  );
  return {
    originY: (corner.y + 0.5 - top) / perRow,
    originX: (corner.x + 0.5 - left) / perColumn,
    stepY: 1 / (view.ky * density * perRow),
    stepX: 1 / (view.k * density * perColumn),
    clip,
  };
}
