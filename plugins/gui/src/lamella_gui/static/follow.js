/** Follows a recording: asks for new frames every two seconds, and for new pictures where there are some. */
import { post } from "./server.js";

const BETWEEN = 2000;

/** @param {string} id */
const byId = (id) => /** @type {any} */ (document.getElementById(id));

export class Follow {
  /**
   * @param {string} scan
   * @param {any} frames which frames the page shows, as the server tells them
   * @param {() => string[]} grown called when there are new frames; gives the pictures that will show them
   * @param {(text: string) => void} told
   * @param {() => void} changed called when it was switched on or off
   */
  constructor(scan, frames, grown, told, changed) {
    this.scan = scan;
    this.frames = frames;
    this.grown = grown;
    this.told = told;
    this.box = /** @type {HTMLInputElement} */ (byId("follow"));
    /** @type {Set<string>} pictures that stay until the exact one of the new frames is there */ this.keeping = new Set();
    this.waiting = 0;
    this.box.addEventListener("change", () => {
      this.look();
      changed();
    });
  }

  /** @param {boolean} on */
  restore(on) {
    this.box.checked = on;
    this.look();
  }

  /** Whether a picture is to be shown: coarse ones would only flicker. @param {string} lane  @param {any} header */
  shows(lane, header) {
    if (!this.keeping.has(lane) || header.stage === "exact") this.keeping.delete(lane);
    return !this.keeping.has(lane);
  }

  async look() {
    clearTimeout(this.waiting);
    if (!this.box.checked) return;
    if (!this.keeping.size && !document.hidden) {
      try {
        await this.ask();
      } catch (error) {
        this.box.checked = false;
        this.told(String(/** @type {Error} */ (error).message));
      }
    }
    this.waiting = setTimeout(() => this.look(), BETWEEN);
  }

  async ask() {
    const frames = await post(`scan/${this.scan}/refresh`, {});
    if (frames.problem) throw new Error(frames.problem);
    if (frames.version === this.frames.version) return;
    if (String(frames.shape) !== String(this.frames.shape)) {
      location.reload();
      return;
    }
    this.frames = frames;
    byId("counts").textContent = `${frames.missing} missing · ${frames.ignored} ignored`;
    this.keeping = new Set(this.grown());
  }
}
