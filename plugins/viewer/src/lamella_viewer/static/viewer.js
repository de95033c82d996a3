/**
 * The element `<lamella-viewer>`: a picture with zoom, handles, regions, scale bar, colour bar and a line that tells
 * numbers; and `<lamella-colours>`, a panel for its colours. A viewer fills its box. It knows nothing of where frames
 * come from: a page calls `show`, and listens to events.
 *
 * Events, with `event.detail`; `live` is true while a hand moves, at most once per animation frame, and false at the end:
 *
 * - `handle`: `{id, values, live}`, numbers by name that a handle has now
 * - `pick`: `{y, x, live}`, the pixel that was chosen
 * - `region`: `{region, live}`, as `live/regions.py` takes it; null if it was removed
 * - `line`: `{line, live}`, `{y0, x0, y1, x1}` or null
 * - `cursor`: `{y, x, value}` under the pointer; null when it leaves
 * - `zoom`: `{box}`, visible pixels, at once
 * - `view`: `{box, size}`, visible pixels, and for how many pixels of the screen; when it rests
 * - `settings`: what the user chose by keys or in the panel
 * - `tool`: `{tool}`, chosen by a key
 * - `look`: something about the colours has changed, also by the page
 *
 * All of them reach the page (they bubble). Assigning a property never fires the event of a hand.
 */

import { ColoursElement } from "./colours.js";
import { fourierFrame } from "./fourier.js";
import { Gestures } from "./gestures.js";
import { pressed } from "./keys.js";
import { PictureElement } from "./picture.js";
import { lineProfile, radialProfile } from "./profiles.js";

/** @typedef {import("./marks.js").Change} Change */
/** @typedef {import("./types.js").Handle} Handle */
/** @typedef {import("./types.js").Line} Line */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").Region} Region */

const ALL_TOOLS = ["pick", "rect", "disk", "ring", "polygon", "line", "pan", "none"];

/** A picture that can be looked at closely, and pointed at. */
export class ViewerElement extends PictureElement {
  /** Whether single letters act as keys. */
  letters = true;
  /** Tools that keys may choose. */
  tools = ALL_TOOLS;
  #tool = "pan";
  #gestures;
  #cursor = "";

  constructor() {
    super();
    const { scene } = this;
    const tell = (/** @type {Change} */ change, /** @type {boolean} */ live) => this.#tell(change, live);
    this.#gestures = new Gestures(scene, () => this.#tool, tell, () => this.viewed(), () => this.#pointed());
    scene.pane.dataset.tool = this.#tool;
    scene.plot.moved = () => this.#pointed();
    /** @type {ShadowRoot} */ (this.shadowRoot).addEventListener("keydown", (event) => this.#key(event));
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} value
   */
  attributeChangedCallback(name, before, value) {
    super.attributeChangedCallback(name, before, value);
    if (name === "tool") this.tool = value ?? "pan";
  }

  /** What the pointer does: "pick", "rect", "disk", "ring", "polygon", "line", "pan" or "none". */
  get tool() {
    return this.#tool;
  }

  set tool(tool) {
    this.#tool = ALL_TOOLS.includes(tool) ? tool : "pan";
    this.scene.pane.dataset.tool = this.#tool;
  }

  /** Handles of analyses; one that is held keeps what the hand gives it. @returns {Handle[]} */
  get handles() {
    return this.scene.marks.handles;
  }

  set handles(handles) {
    const held = this.#gestures.held;
    const before = this.handles.find((handle) => held?.startsWith(`handle/${handle.id}/`));
    this.scene.marks.handles = (handles ?? []).map((handle) => (handle.id === before?.id ? before : handle));
    this.scene.redraw();
  }

  /** The pixel with the cross. @returns {Place | null} */
  get position() {
    return this.scene.marks.position;
  }

  set position(position) {
    if (this.#gestures.held === "position/") return;
    this.scene.marks.position = position ?? null;
    this.scene.redraw();
  }

  /** A place that the pointer is at in another picture: marked, and its number told. @returns {Place | null} */
  get pointer() {
    return this.scene.marks.pointer;
  }

  set pointer(place) {
    this.scene.marks.pointer = place ?? null;
    this.scene.cursor = place ?? null;
    this.scene.redraw();
    this.scene.drawStatus();
  }

  /** The region that is outlined. @returns {Region | null} */
  get region() {
    return this.scene.marks.region;
  }

  set region(region) {
    if (this.#gestures.held?.startsWith("region/")) return;
    this.scene.marks.region = region ?? null;
    this.scene.redraw();
  }

  /** The line of a profile. @returns {Line | null} */
  get line() {
    return this.scene.marks.line;
  }

  set line(line) {
    if (this.#gestures.held?.startsWith("line/")) return;
    this.scene.marks.line = line ?? null;
    this.scene.redraw();
  }

  /** Lines in a curve, at places on its axis. @returns {number[]} */
  get guides() {
    return this.scene.plot.guides;
  }

  set guides(guides) {
    this.scene.plot.guides = guides ?? [];
    this.scene.redraw();
  }

  /** Numbers along the line, as a frame of kind "curve"; null without a line or an image. */
  lineProfile() {
    const { frame, line } = this;
    return frame?.header.kind === "image" && line ? lineProfile(frame, line) : null;
  }

  /** The Fourier transform of the picture, as a frame; null without an image. */
  fourier() {
    return this.frame && fourierFrame(this.frame);
  }

  /**
   * Means around a centre, as a frame of kind "curve"; null without an image.
   *
   * @param {Place} centre
   */
  radialProfile(centre) {
    return this.frame?.header.kind === "image" ? radialProfile(this.frame, centre) : null;
  }

  /** @param {Event} event */
  #key(event) {
    const host = {
      scene: this.scene,
      letters: this.letters,
      tool: this.#tool,
      tools: this.tools,
      cancel: () => this.#gestures.cancel(),
      tell: (/** @type {Change} */ change) => this.#tell(change, false),
      adjust: (/** @type {object} */ wanted) => this.adjust(wanted),
      choose: (/** @type {string} */ tool) => {
        this.tool = tool;
        this.fire("tool", { tool });
      },
      viewed: () => this.viewed(),
    };
    if (pressed(/** @type {KeyboardEvent} */ (event), host, this.scene.overlay.keyOf(event.target))) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  /**
   * @param {Change} change
   * @param {boolean} live
   */
  #tell({ name, detail }, live) {
    this.scene.redraw();
    this.fire(name, { ...detail, live });
  }

  #pointed() {
    const { cursor, plot, frame } = this.scene;
    const curve = frame?.header.kind === "curve" ? plot.at : null;
    const place = cursor && { y: Math.round(cursor.y) + 0, x: Math.round(cursor.x) + 0 };
    const told = place
      ? { ...place, value: this.valueAt(place.y, place.x) }
      : { y: null, x: curve?.x ?? null, value: curve?.y ?? null };
    const text = JSON.stringify(told);
    if (text === this.#cursor) return;
    this.#cursor = text;
    if (frame?.header.kind === "curve") this.scene.drawStatus();
    this.fire("cursor", told);
  }
}

for (const [name, element] of /** @type {const} */ ([
  ["lamella-viewer", ViewerElement],
  ["lamella-colours", ColoursElement],
])) {
  if (!customElements.get(name)) customElements.define(name, element);
}
