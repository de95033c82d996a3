/** What the mouse, a pen or fingers do: moving places, drawing regions, pan and zoom. */

import { drawDrag, graspDrag, panDrag, pickDrag } from "./drags.js";
import { outlineAt } from "./overlay.js";
import { REGION_TOOLS } from "./regions.js";

/** @typedef {import("./marks.js").Change} Change */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./types.js").Place} Place */

/** @typedef {import("./drags.js").Drag} Drag */
/** @typedef {(change: Change, live: boolean) => void} Tell */

const PER_WHEEL = 0.0018;

/** Turns what pointers do into changes; at most one for each animation frame. */
export class Gestures {
  /** @type {Drag | null} */
  drag = null;
  /** @type {Map<number, PointerEvent>} */
  #down = new Map();
  /** @type {PointerEvent | null} */
  #latest = null;
  #scheduled = 0;
  #apart = 0;

  /**
   * @param {Scene} scene
   * @param {() => string} tool
   * @param {Tell} tell
   * @param {() => void} viewed Called when the visible part has changed.
   * @param {() => void} pointed Called when the place under the cursor has changed.
   */
  constructor(scene, tool, tell, viewed, pointed) {
    this.scene = scene;
    this.tool = tool;
    this.tell = tell;
    this.viewed = viewed;
    this.pointed = pointed;
    const { pane } = scene;
    pane.addEventListener("pointerdown", (event) => this.#press(event));
    pane.addEventListener("pointermove", (event) => this.#note(event));
    pane.addEventListener("pointerup", (event) => this.#release(event));
    pane.addEventListener("pointercancel", (event) => this.#release(event));
    pane.addEventListener("pointerleave", () => this.#point(null));
    pane.addEventListener("dblclick", () => this.#changeView(() => scene.view.fit()));
    pane.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** The place that a hand holds now: its key, or null. */
  get held() {
    return this.drag?.key ?? null;
  }

  /** Ends a drag and takes back what it did; gives whether there was one. */
  cancel() {
    const { drag } = this;
    if (!drag) return false;
    this.#end();
    const change = drag.undo();
    if (change) this.tell(change, false);
    this.scene.redraw();
    return true;
  }

  /** @param {PointerEvent | WheelEvent} event */
  #screen(event) {
    const box = this.scene.pane.getBoundingClientRect();
    return /** @type {const} */ ([event.clientY - box.top, event.clientX - box.left]);
  }

  /** @param {PointerEvent | WheelEvent} event */
  #place(event) {
    return this.scene.view.toIndex(...this.#screen(event));
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button > 1 || !this.scene.frame) return;
    const target = event.target;
    const key = this.scene.overlay.keyOf(target);
    if (key) this.scene.overlay.focus(key);
    else this.scene.screen.canvas.focus({ preventScroll: true });
    event.preventDefault();
    this.scene.pane.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, event);
    if (this.#down.size === 2) {
      this.cancel();
      this.drag = null;
      this.#apart = this.#distance();
      return;
    }
    this.drag = this.#begun(event, key);
    this.scene.pane.dataset.drag = this.drag.pan ? "pan" : "mark";
    this.#latest = event;
    this.#step();
  }

  /**
   * @param {PointerEvent} event
   * @param {string | null} key
   * @returns {Drag}
   */
  #begun(event, key) {
    const { scene } = this;
    const from = this.#screen(event);
    const start = scene.view.toIndex(...from);
    const middle = event.button === 1;
    const grasped = key ?? outlineAt(scene.view, scene.marks.shapes, ...from);
    if (grasped && !middle) return graspDrag(scene, grasped, start);
    const tool = middle ? "pan" : this.tool();
    if (tool === "pick") return pickDrag(scene);
    if (tool === "line" || REGION_TOOLS.includes(tool)) return drawDrag(scene, tool, start, from);
    return panDrag(scene, from, () => this.#changeView(() => undefined));
  }

  /** @param {PointerEvent} event */
  #note(event) {
    if (this.#down.has(event.pointerId)) this.#down.set(event.pointerId, event);
    this.#latest = event;
    this.#scheduled ||= requestAnimationFrame(() => this.#step());
  }

  #step() {
    cancelAnimationFrame(this.#scheduled);
    this.#scheduled = 0;
    const event = this.#latest;
    this.#latest = null;
    if (!event) return;
    if (this.#down.size === 2) this.#pinch();
    const change = this.drag?.move(this.#place(event), this.#screen(event));
    if (change && this.drag && JSON.stringify(change) !== JSON.stringify(this.drag.last)) {
      this.drag.last = change;
      this.tell(change, true);
      this.scene.redraw();
    }
    this.#point(event);
  }

  /** @param {PointerEvent} event */
  #release(event) {
    if (!this.#down.delete(event.pointerId)) return;
    if (event.type === "pointercancel") {
      this.cancel();
      return;
    }
    if (this.drag) {
      this.#latest = event;
      this.#step();
      const { last } = this.drag;
      this.#end();
      if (last) this.tell(last, false);
    }
  }

  #end() {
    this.drag = null;
    delete this.scene.pane.dataset.drag;
  }

  #distance() {
    const [a, b] = [...this.#down.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  }

  #pinch() {
    const apart = this.#distance();
    const [a, b] = [...this.#down.values()].map((event) => this.#screen(event));
    const factor = apart / (this.#apart || apart);
    this.#apart = apart;
    this.#changeView(() => this.scene.view.zoom(factor, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2));
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!this.scene.frame || this.scene.pane.hidden) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
    this.#changeView(() => this.scene.view.zoom(Math.exp(-event.deltaY * lines * PER_WHEEL), ...this.#screen(event)));
  }

  /** @param {() => void} change */
  #changeView(change) {
    change();
    this.scene.redraw();
    this.viewed();
  }

  /** @param {PointerEvent | null} event */
  #point(event) {
    const { scene } = this;
    const place = event && this.#place(event);
    scene.cursor = place && scene.view.holds(place) ? place : null;
    const over = event && !this.drag ? outlineAt(scene.view, scene.marks.shapes, ...this.#screen(event)) : null;
    if (over) scene.pane.dataset.over = "outline";
    else delete scene.pane.dataset.over;
    scene.drawStatus();
    this.pointed();
  }
}
