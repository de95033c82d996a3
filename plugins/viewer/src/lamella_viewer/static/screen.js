/** The canvas of a picture: chooses how to draw, and goes on where a graphics card fails. */

import { drawableOf, reduced } from "./drawables.js";
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
  /** How to draw: "webgl2", "canvas", or as is faster here. */
  wanted = "";
  /** @type {Painter | null} */
  #painter = null;
  /** @type {Frame | null} */
  #frame = null;
  /** @type {Drawable | null} */
  #drawable = null;
  /** What the painter has: pixels, or means over blocks of them. @type {Drawable | null} */
  #loaded = null;
  #block = 0;
  #failed = false;

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
    const drawable = this.#load(frame, view, density);
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
   * @param {View} view
   * @param {number} density
   * @returns {Drawable | null}
   */
  #load(frame, view, density) {
    const fresh = frame !== this.#frame;
    if (fresh) {
      this.#frame = frame;
      this.#drawable = frame && !frame.shape.includes(0) ? drawableOf(frame) : null;
    }
    const drawable = this.#drawable;
    if (!drawable) return null;
    const { stepY, stepX } = canvasPlace(drawable, view, density);
    const block = Math.max(1, Math.round(Math.min(stepY, stepX) - 0.25));
    const painter = this.#fitting(drawable);
    if (fresh || block !== this.#block || this.#loaded === null) {
      this.#block = block;
      this.#loaded = block > 1 ? reduced(drawable, block) : drawable;
      painter.load(this.#loaded);
    }
    return this.#loaded;
  }

  /**
   * Gives a painter that can draw it.
   *
   * @param {Drawable} drawable
   * @returns {Painter}
   */
  #fitting(drawable) {
    const painter = this.#painter;
    const other = this.wanted !== "" && painter?.name !== this.wanted && !this.#failed;
    return painter && !painter.lost && !other && painter.holds(drawable) ? painter : this.#start(drawable);
  }

  /**
   * @param {Drawable | null} drawable
   * @returns {Painter}
   */
  #start(drawable) {
    const before = this.#painter;
    // Without a graphics card a processor would do its work, slower than a canvas needs.
    this.#failed ||= before?.lost ?? false;
    const card = this.wanted === "canvas" || this.#failed ? null : graphics(drawable, this.wanted === "webgl2");
    this.#failed ||= card === null && this.wanted === "webgl2";
    const painter = card ?? new PlainPainter();
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
    this.#loaded = null;
    return painter;
  }

  /** Gives the graphics card back; the next drawing takes it again. */
  close() {
    if (this.#painter?.name !== "webgl2") return;
    const { canvas } = this.#painter;
    canvas.removeEventListener("webglcontextlost", this.changed);
    this.#painter.close();
    canvas.remove();
    this.#painter = this.#frame = this.#drawable = this.#loaded = null;
  }
}

/**
 * @param {Drawable | null} drawable
 * @param {boolean} always
 * @returns {Painter | null}
 */
function graphics(drawable, always) {
  try {
    const painter = new GraphicsPainter(always);
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
