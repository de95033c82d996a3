/** A picture as an element: what it shows, how it is coloured, and which part is visible. */

import { valueAt } from "./drawables.js";
import { checkedSettings } from "./levels.js";
import { pictureBlob } from "./png.js";
import { Scene } from "./scene.js";
import { styleSheets } from "./style.js";

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").Settings} Settings */

/** How long the view rests before its event [ms]. */
const REST = 150;
/** Width below which there is no room for a legend [px]. */
const NARROW = 300;

/** The part of `<lamella-viewer>` that is only looked at. */
export class PictureElement extends HTMLElement {
  static observedAttributes = ["label", "colours", "scale", "gamma", "nostatus", "nolegend", "painter", "tool"];

  /** State, for the other modules of the viewer; pages use the properties below. */
  scene;
  /** @type {ResizeObserver | null} */
  #sizes = null;
  /** @type {number | undefined} */
  #resting;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = styleSheets("viewer");
    this.scene = new Scene(root);
    this.scene.drawn = () => this.fire("drawn", {});
  }

  connectedCallback() {
    this.#sizes = new ResizeObserver(() => this.#measure());
    this.#sizes.observe(this);
    this.#sizes.observe(this.scene.pane);
    this.scene.open();
  }

  disconnectedCallback() {
    this.#sizes?.disconnect();
    queueMicrotask(() => {
      if (this.isConnected) return;
      clearTimeout(this.#resting);
      this.scene.close();
    });
  }

  /**
   * @param {string} name
   * @param {string | null} _
   * @param {string | null} value
   */
  attributeChangedCallback(name, _, value) {
    if (name === "label") this.scene.label = value ?? "";
    if (name === "colours" || name === "scale" || name === "gamma") {
      this.scene.settings = checkedSettings({ [name]: value }, this.scene.settings);
    }
    if (name === "nostatus") this.scene.status.element.hidden = value !== null;
    if (name === "painter") this.scene.screen.wanted = value ?? "";
    if (name === "nolegend") this.#measure();
    this.scene.redraw();
  }

  /**
   * Draws a frame, in the next animation frame. Zoom, and what the user has chosen, stay.
   *
   * @param {Frame} frame
   * @returns {Promise<boolean>} Whether it was drawn; false if a newer one took its place before.
   */
  show(frame) {
    return this.scene.show(frame);
  }

  /** Empties the picture, and shows a sentence. */
  clear(text = "") {
    this.scene.clear(text);
  }

  /** What is shown. */
  get frame() {
    return this.scene.frame;
  }

  /**
   * Gives the number at a pixel of the whole picture; null where it is not known.
   *
   * @param {number} y
   * @param {number} x
   */
  valueAt(y, x) {
    return this.frame && valueAt(this.frame, y, x);
  }

  /** Gives the visible part as a PNG with title, scale bar and colour bar. */
  toPNG({ scale = 2 } = {}) {
    return pictureBlob(this.scene, scale);
  }

  /** A short note over the picture; null for none. */
  get busy() {
    return this.scene.busy.textContent || null;
  }

  set busy(text) {
    this.scene.busy.textContent = text;
    this.scene.busy.hidden = !text;
  }

  /** What this picture is called, before its title. */
  get label() {
    return this.getAttribute("label") ?? "";
  }

  set label(text) {
    this.setAttribute("label", text);
  }

  /** How it draws: "webgl2" or "canvas"; empty before the first picture. */
  get painter() {
    return this.scene.screen.name;
  }

  /** Puts the focus on the picture. */
  focus() {
    this.scene.screen.canvas.focus({ preventScroll: true });
  }

  // How it is coloured.

  /** What the user chose; null leaves it to the frame. @returns {Settings} */
  get settings() {
    return { ...this.scene.settings };
  }

  set settings(wanted) {
    this.scene.settings = checkedSettings(wanted, this.scene.settings);
    this.scene.redraw();
    this.fire("look", {});
  }

  /** What is drawn. */
  get effective() {
    return this.scene.look;
  }

  get colours() {
    return this.scene.settings.colours;
  }

  set colours(colours) {
    this.settings = { ...this.settings, colours };
  }

  get range() {
    return this.scene.settings.range;
  }

  set range(range) {
    this.settings = { ...this.settings, range };
  }

  get scale() {
    return this.scene.settings.scale;
  }

  set scale(scale) {
    this.settings = { ...this.settings, scale };
  }

  get gamma() {
    return this.scene.settings.gamma;
  }

  set gamma(gamma) {
    this.settings = { ...this.settings, gamma };
  }

  /** What `range` null means. */
  get auto() {
    return this.scene.settings.auto;
  }

  set auto(auto) {
    this.settings = { ...this.settings, auto };
  }

  /**
   * Changes settings as the user does: with an event.
   *
   * @param {Partial<Settings>} wanted
   */
  adjust(wanted) {
    this.settings = { ...this.settings, ...wanted };
    this.fire("settings", this.settings);
  }

  // Which part is visible.

  /** Shows all of it. */
  fit() {
    this.scene.view.fit();
    this.viewed();
  }

  /**
   * @param {number} factor
   * @param {Place} [around] What stays where it is; the middle if left out.
   */
  zoom(factor, around) {
    const { view } = this.scene;
    view.zoom(factor, ...(around ? view.toScreen(around.y, around.x) : []));
    this.viewed();
  }

  /** Pixels that are visible: y0, x0, y1, x1. */
  get box() {
    return this.scene.view.box;
  }

  set box(box) {
    this.scene.view.box = box;
    this.viewed();
  }

  /** Draws another part, and tells so when it rests. */
  viewed() {
    this.scene.redraw();
    this.fire("zoom", { box: this.box });
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.frame && this.fire("view", this.scene.seen), REST);
  }

  #measure() {
    const narrow = this.clientWidth < NARROW || this.hasAttribute("nolegend");
    if (this.scene.resize(narrow)) this.viewed();
  }

  /**
   * @param {string} name
   * @param {object} detail
   */
  fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
