/** What a viewer shows and how: the picture, what lies over it, and what belongs to it. */

import { valueAt, wholeSize } from "./drawables.js";
import { Legend, scaleBar } from "./furniture.js";
import { View, pixelRatio } from "./geometry.js";
import { AUTOMATIC, lookOf } from "./levels.js";
import { Marks } from "./marks.js";
import { withUnit } from "./numbers.js";
import { Overlay } from "./overlay.js";
import { Plot } from "./plot.js";
import { Screen } from "./screen.js";
import { statisticsText } from "./statistics.js";
import { Status, accessibleName } from "./status.js";

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").Settings} Settings */

/** Holds state and draws it, at most once in each animation frame. */
export class Scene {
  /** @type {Frame | null} */
  frame = null;
  /** @type {Settings} */
  settings = AUTOMATIC;
  label = "";
  view = new View();
  marks = new Marks();
  /** @type {Place | null} */
  cursor = null;
  pane = document.createElement("div");
  note = document.createElement("div");
  busy = document.createElement("div");
  number = document.createElement("div");
  bar = document.createElement("div");
  legend = new Legend();
  status = new Status();
  plot = new Plot();
  screen = new Screen(this.pane, () => this.redraw());
  overlay = new Overlay(this.pane);
  /** Called after each drawing of a new frame. */
  drawn = () => {};
  /** @type {((drawn: boolean) => void)[]} */
  #waiting = [];
  #scheduled = 0;
  /** @type {{frame: Frame | null, region: object | null, text: string}} */
  #counted = { frame: null, region: null, text: "" };
  #narrow = false;

  /** @param {ShadowRoot} root */
  constructor(root) {
    this.pane.className = "pane";
    this.pane.setAttribute("part", "picture");
    for (const name of /** @type {const} */ (["note", "busy", "number", "bar"])) {
      this[name].className = name;
      this[name].hidden = true;
    }
    this.bar.append(document.createElement("span"));
    this.bar.setAttribute("aria-hidden", "true");
    this.pane.append(this.number, this.bar, this.note, this.busy);
    root.append(this.pane, this.legend.element, this.plot.element, this.status.element);
  }

  /** Begins; also again, after `close`. */
  open() {
    document.addEventListener("visibilitychange", this.#hidden);
    this.redraw();
  }

  get look() {
    return lookOf(this.settings, this.frame?.header ?? null);
  }

  /**
   * @param {Frame} frame
   * @returns {Promise<boolean>} Whether it was drawn, and not replaced by a newer one before.
   */
  show(frame) {
    const { lane, id } = frame.header;
    const shown = this.frame?.header;
    if (shown && lane !== undefined && shown.lane === lane && Number(id) < Number(shown.id)) return Promise.resolve(false);
    this.#answer(false);
    this.frame = frame;
    if (isPicture(frame)) {
      this.view.setPicture(wholeSize(frame), pixelRatio(frame.header.axes));
      this.marks.size = wholeSize(frame);
      this.marks.axes = frame.header.axes ?? [];
    }
    this.note.hidden = true;
    this.redraw();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** @param {string} text */
  clear(text) {
    this.#answer(false);
    this.frame = null;
    this.note.textContent = text;
    this.note.hidden = !text;
    this.redraw();
  }

  /** A page that is hidden has no animation frames. */
  #hidden = () => {
    if (document.hidden && this.#scheduled) this.#now();
  };

  /** Forgets timers, and gives the graphics card back until the next drawing. */
  close() {
    document.removeEventListener("visibilitychange", this.#hidden);
    this.#answer(false);
    this.status.close();
    this.screen.close();
  }

  /** Draws in the next animation frame; at once where there are none, because the page is hidden. */
  redraw() {
    if (document.hidden) this.#now();
    else if (!this.#scheduled) this.#scheduled = requestAnimationFrame(() => this.#now());
  }

  #now() {
    cancelAnimationFrame(this.#scheduled);
    this.#scheduled = 0;
    this.draw();
    if (this.#waiting.length) {
      const { title, label, stage } = this.frame?.header ?? {};
      this.status.say([this.label, title, label ?? stage].filter(Boolean).join(", "));
      this.drawn();
    }
    this.#answer(true);
  }

  /** @param {boolean} drawn */
  #answer(drawn) {
    for (const resolve of this.#waiting.splice(0)) resolve(drawn);
  }

  /**
   * Takes a new size of the pane; gives whether it is another one.
   *
   * @param {boolean} narrow Whether there is no room for a legend.
   */
  resize(narrow) {
    const [height, width] = this.view.pane;
    this.#narrow = narrow;
    if (!this.pane.hidden) this.view.setPane(Math.max(1, this.pane.clientHeight), Math.max(1, this.pane.clientWidth));
    this.redraw();
    return height !== this.view.pane[0] || width !== this.view.pane[1];
  }

  /** Pixels that are visible, and for how many pixels of the screen: what a server needs to send no more. */
  get seen() {
    const { box, k, ky } = this.view;
    const size = [(box[2] - box[0]) * ky, (box[3] - box[1]) * k].map((n) => Math.ceil(n * window.devicePixelRatio));
    return { box, size };
  }

  draw() {
    const { frame, view, look } = this;
    const kind = frame?.header.kind;
    const picture = frame && isPicture(frame) ? frame : null;
    this.plot.element.hidden = kind !== "curve";
    this.pane.hidden = kind === "curve";
    this.legend.element.hidden = !picture || kind === "rgba" || this.#narrow || picture.shape.includes(0);
    this.screen.label = accessibleName(this.label, frame?.header);
    this.screen.draw(picture, view, look, window.devicePixelRatio);
    if (picture) this.legend.draw(picture.header, look);
    this.marks.quantum = view.k >= 8 ? 0.1 : view.k >= 2 ? 0.5 : 1;
    this.overlay.draw(view, picture ? this.marks.shapes : [], picture ? this.marks.knobs : []);
    this.#drawBar(picture);
    this.#drawNumber(kind === "number" ? frame : null);
    if (frame && kind === "curve") this.plot.draw(frame, accessibleName(this.label, frame.header), look);
    this.drawStatus();
  }

  /** Draws the line below the picture. */
  drawStatus() {
    const { frame, cursor } = this;
    const value = frame && cursor && isPicture(frame) ? valueAt(frame, cursor.y, cursor.x) : null;
    this.status.draw(frame, this.look, cursor, value, this.plot.at, this.#regionText());
  }

  /** Statistics of the region, computed once for a frame and a region. */
  #regionText() {
    const { frame } = this;
    const { region } = this.marks;
    if (this.#counted.frame !== frame || this.#counted.region !== region) {
      const text = frame && region && isPicture(frame) ? statisticsText(frame, region) : "";
      this.#counted = { frame, region, text };
    }
    return this.#counted.text;
  }

  /** @param {Frame | null} picture */
  #drawBar(picture) {
    const bar = picture && scaleBar(this.view, picture.header.axes);
    this.bar.hidden = !bar;
    if (!bar) return;
    /** @type {HTMLElement} */ (this.bar.firstChild).textContent = bar.text;
    this.bar.style.width = `${bar.width.toFixed(2)}px`;
    this.bar.style.left = `${bar.left.toFixed(1)}px`;
    this.bar.style.bottom = `${bar.bottom.toFixed(1)}px`;
  }

  /** @param {Frame | null} frame */
  #drawNumber(frame) {
    this.number.hidden = !frame;
    if (!frame) return;
    const title = document.createElement("small");
    title.textContent = frame.header.title ?? "";
    const value = frame.pixels.length ? frame.pixels[0] : null;
    this.number.replaceChildren(withUnit(value, frame.header.unit, 6), title);
  }
}

/** @param {Frame} frame */
function isPicture({ header }) {
  return header.kind === "image" || header.kind === "field" || header.kind === "rgba";
}
