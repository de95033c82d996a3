/** Where pixels of a picture lie on the screen: zoom, pan, and pixels that are not square. */

import { alike } from "./numbers.js";

/** @typedef {import("./types.js").Axis} Axis */
/** @typedef {import("./types.js").Place} Place */

const STRETCHED = 16;
/** Screen pixels that one pixel is drawn with at most. */
const LARGEST_PIXEL = 128;

/**
 * Gives the height of a pixel in parts of its width.
 *
 * @param {Axis[] | undefined} axes
 */
export function pixelRatio(axes) {
  if (!axes || !alike(axes) || !axes[0].unit) return 1;
  const ratio = Math.abs(axes[0].scale / axes[1].scale);
  return Number.isFinite(ratio) && ratio > 0 ? Math.min(STRETCHED, Math.max(1 / STRETCHED, ratio)) : 1;
}

/** Part of a picture that is visible. Screen places are in CSS pixels from the upper left corner of the pane. */
export class View {
  /** Rows and columns of the whole picture. */
  size = [1, 1];
  /** Height and width of the pane. */
  pane = [1, 1];
  ratio = 1;
  /** Screen pixels along x for each pixel. */
  k = 1;
  /** Edge coordinates in the middle of the pane; the first pixel begins at 0. */
  middle = [0.5, 0.5];
  fitted = true;

  /** Screen pixels along y for each pixel. */
  get ky() {
    return this.k * this.ratio;
  }

  /** Zoom at which all is visible. */
  get least() {
    const [height, width] = this.size;
    return Math.max(1e-6, Math.min(this.pane[1] / width, this.pane[0] / (height * this.ratio)));
  }

  /**
   * Takes another picture; the part that is visible stays if it has the same size.
   *
   * @param {[number, number]} size
   * @param {number} ratio
   */
  setPicture(size, ratio) {
    const same = size[0] === this.size[0] && size[1] === this.size[1];
    this.size = [...size];
    this.ratio = ratio;
    if (!same) this.fit();
    else this.settle();
  }

  /**
   * @param {number} height
   * @param {number} width
   */
  setPane(height, width) {
    this.pane = [height, width];
    this.settle();
  }

  fit() {
    this.fitted = true;
    this.settle();
  }

  /** Keeps the picture in the pane, and no smaller than it fits. */
  settle() {
    if (this.fitted || this.k <= this.least * (1 + 1e-9)) {
      this.fitted = true;
      this.k = this.least;
    }
    this.k = Math.min(Math.max(LARGEST_PIXEL, this.least), this.k);
    for (const axis of [0, 1]) {
      const half = this.pane[axis] / 2 / (axis ? this.k : this.ky);
      const size = this.size[axis];
      this.middle[axis] =
        2 * half >= size ? size / 2 : Math.min(size - half, Math.max(half, this.middle[axis]));
    }
  }

  /**
   * Zooms so that what lies at a place of the screen stays there.
   *
   * @param {number} factor
   * @param {number} [top]
   * @param {number} [left]
   */
  zoom(factor, top = this.pane[0] / 2, left = this.pane[1] / 2) {
    const before = this.toIndex(top, left);
    this.k = Math.min(Math.max(LARGEST_PIXEL, this.least), Math.max(this.least, this.k * factor));
    this.fitted = this.k <= this.least * (1 + 1e-9);
    this.middle = [
      before.y + 0.5 - (top - this.pane[0] / 2) / this.ky,
      before.x + 0.5 - (left - this.pane[1] / 2) / this.k,
    ];
    this.settle();
  }

  /**
   * Moves the picture by so many screen pixels.
   *
   * @param {number} down
   * @param {number} right
   */
  pan(down, right) {
    this.middle = [this.middle[0] - down / this.ky, this.middle[1] - right / this.k];
    this.settle();
  }

  /**
   * @param {number} top
   * @param {number} left
   * @returns {Place}
   */
  toIndex(top, left) {
    return {
      y: this.middle[0] - 0.5 + (top - this.pane[0] / 2) / this.ky,
      x: this.middle[1] - 0.5 + (left - this.pane[1] / 2) / this.k,
    };
  }

  /**
   * @param {number} y
   * @param {number} x
   * @returns {[number, number]} From the top and from the left.
   */
  toScreen(y, x) {
    return [
      this.pane[0] / 2 + (y + 0.5 - this.middle[0]) * this.ky,
      this.pane[1] / 2 + (x + 0.5 - this.middle[1]) * this.k,
    ];
  }

  /** Whole pixels that are visible, also in part: y0, x0, y1, x1. */
  get box() {
    const first = this.toIndex(0, 0);
    const last = this.toIndex(this.pane[0], this.pane[1]);
    const [height, width] = this.size;
    return [
      Math.max(0, Math.floor(first.y + 0.5 + 1e-6)),
      Math.max(0, Math.floor(first.x + 0.5 + 1e-6)),
      Math.min(height, Math.ceil(last.y + 0.5 - 1e-6)),
      Math.min(width, Math.ceil(last.x + 0.5 - 1e-6)),
    ];
  }

  /** Shows a part of the picture, as large as it fits. */
  set box([y0, x0, y1, x1]) {
    const height = Math.max(1, y1 - y0);
    const width = Math.max(1, x1 - x0);
    this.k = Math.min(this.pane[1] / width, this.pane[0] / (height * this.ratio));
    this.fitted = false;
    this.middle = [(y0 + y1) / 2, (x0 + x1) / 2];
    this.settle();
  }

  /** Whether a place lies on the picture. @param {Place} place */
  holds({ y, x }) {
    return y >= -0.5 && x >= -0.5 && y < this.size[0] - 0.5 && x < this.size[1] - 0.5;
  }
}
