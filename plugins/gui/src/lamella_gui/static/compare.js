/** A second picture of the scan beside the first one: another result, or the Fourier transform of a picture. */

/** Pixels up to which a transform follows every picture; that of a larger one waits for rest [ms]. */
const QUICK = 300_000;
const REST = 200;
const TRANSFORM = "transform:";

/** @param {string} id */
const byId = (id) => /** @type {any} */ (document.getElementById(id));

export class Compare {
  /**
   * @param {Object<string, any>} viewers
   * @param {(panel: string) => void} chosen takes the panel that the second picture shows; "" for none
   * @param {() => void} changed called when there is something to keep
   */
  constructor(viewers, chosen, changed) {
    this.viewers = viewers;
    this.chosen = chosen;
    this.changed = changed;
    this.figure = /** @type {HTMLElement} */ (viewers.second.closest("figure"));
    this.button = /** @type {HTMLButtonElement} */ (byId("compare"));
    this.select = /** @type {HTMLSelectElement} */ (byId("second-of"));
    this.links = { zoom: byId("link-zoom"), colours: byId("link-colours") };
    this.following = false;
    this.waiting = 0;
    this.button.addEventListener("click", () => {
      this.open(this.figure.hidden ? this.other() : "");
      changed();
    });
    for (const box of [this.select, ...Object.values(this.links)]) {
      box.addEventListener("change", () => {
        this.open(this.select.value);
        changed();
      });
    }
    for (const [here, there] of [["scan", "second"], ["second", "scan"]]) {
      viewers[here].addEventListener("zoom", () => this.zoom(here, there));
      viewers[here].addEventListener("cursor", (/** @type {CustomEvent} */ { detail: { y, x } }) => {
        if (this.linked) viewers[there].pointer = y === null ? null : { y, x };
      });
    }
    viewers.scan.addEventListener("look", () => this.colour());
    for (const name of ["scan", "detector"]) {
      viewers[name].addEventListener("drawn", () => {
        if (name === "scan") this.colour();
        if (this.source === name) this.transform();
      });
    }
  }

  /** What is shown first: what was shown before, but not what the first picture shows. */
  other() {
    const values = [...this.select.options].map((one) => one.value);
    return [this.select.value, ...values].find((one) => one !== this.viewers.scan.dataset.shows) ?? values[0];
  }

  /** What the second picture shows: a panel, or the transform of a picture; "" while there is none. */
  get value() {
    return this.figure.hidden ? "" : this.select.value;
  }

  /** The picture that is transformed; "" for none. */
  get source() {
    return this.value.startsWith(TRANSFORM) ? this.value.slice(TRANSFORM.length) : "";
  }

  /** Whether both pictures show the scan. */
  get linked() {
    return this.value !== "" && !this.source;
  }

  /** What the session keeps. */
  get look() {
    return { of: this.value, zoom: this.links.zoom.checked, colours: this.links.colours.checked };
  }

  /** @param {any} look */
  restore(look) {
    if (!look) return;
    this.links.zoom.checked = look.zoom !== false;
    this.links.colours.checked = Boolean(look.colours);
    if ([...this.select.options].some((one) => one.value === look.of)) this.open(look.of);
  }

  /** Show something in the second picture; "" closes it. @param {string} value */
  open(value) {
    const before = this.source;
    this.figure.hidden = value === "";
    this.figure.parentElement?.classList.toggle("three", value !== "");
    this.button.setAttribute("aria-pressed", String(value !== ""));
    /** @type {HTMLElement} */ (document.querySelector("[data-colours-of=second]")).hidden = value === "";
    if (value) this.select.value = value;
    const { second, scan } = this.viewers;
    for (const box of Object.values(this.links)) box.closest("label").hidden = !this.linked;
    if (this.source || before) second.settings = { colours: null, range: null, scale: null };
    if (this.source || !value) second.clear(value ? "Waiting for a picture" : "");
    this.chosen(this.linked ? value : "");
    second.tool = this.linked ? scan.tool : "pan";
    if (this.source) this.transform();
    this.zoom("scan", "second");
    this.colour();
    if (this.linked && !this.links.colours.checked) second.range = null;
  }

  /** Show the transform of a picture, or no second picture if one is shown. @param {string} source */
  toggle(source) {
    this.open(this.source ? "" : TRANSFORM + source);
    this.changed();
  }

  /** @param {string} here  @param {string} there */
  zoom(here, there) {
    if (this.following || !this.linked || !this.links.zoom.checked || !this.viewers[here].frame) return;
    this.following = true;
    const [height, width] = this.viewers[here].frame.header.size ?? [1, 1];
    const box = this.viewers[here].box;
    if (String(box) === String([0, 0, height, width])) this.viewers[there].fit();
    else this.viewers[there].box = box;
    this.following = false;
  }

  colour() {
    if (!this.linked || !this.links.colours.checked || !this.viewers.scan.frame) return;
    const { colours, range, scale, gamma } = this.viewers.scan.effective;
    this.viewers.second.settings = { colours, range, scale, gamma };
  }

  transform() {
    clearTimeout(this.waiting);
    const pixels = this.viewers[this.source]?.frame?.pixels.length ?? 0;
    this.waiting = setTimeout(() => {
      const frame = this.source ? this.viewers[this.source].fourier() : null;
      if (frame) this.viewers.second.show(frame);
    }, pixels > QUICK ? REST : 0);
  }
}
