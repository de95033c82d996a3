/** The element `<lamella-colours>`: a panel with histogram, colour map and scale of a viewer. */

import { Histogram } from "./histogram.js";
import { MAPS } from "./maps.js";
import { formatNumber, roundedTo, withUnit } from "./numbers.js";
import { styleSheets } from "./style.js";

/** @typedef {import("./picture.js").PictureElement} PictureElement */
/** @typedef {import("./types.js").Settings} Settings */

const SCALES = [
  ["linear", "linear"],
  ["log", "logarithmic"],
  ["gamma", "gamma"],
];

/** Changes the settings of the viewer that it belongs to, and shows them. */
export class ColoursElement extends HTMLElement {
  /** @type {PictureElement | null} */
  #viewer = null;
  #histogram = new Histogram((range, live) => this.#choose({ range }, live));
  #ends = document.createElement("div");
  #map = chooser(MAPS.map((name) => [name, name]));
  #scale = chooser(SCALES);
  #gamma = document.createElement("input");
  #gammaLabel;
  #percentiles = button("0.2–99.8 %");
  #extremes = button("Min–max");
  #changed = () => this.#draw();

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = styleSheets("panel");
    this.#ends.className = "ends";
    Object.assign(this.#gamma, { type: "range", min: "0.1", max: "2", step: "0.05" });
    this.#gammaLabel = labelled("exponent", this.#gamma);
    const row = document.createElement("div");
    row.className = "row";
    row.append(this.#percentiles, this.#extremes);
    const distribution = document.createElement("div");
    distribution.append(this.#histogram.element, this.#ends);
    const panel = document.createElement("div");
    panel.className = "panel";
    panel.append(distribution, labelled("map", this.#map), labelled("scale", this.#scale), this.#gammaLabel, row);
    root.append(panel);
    this.#map.addEventListener("change", () => this.#choose({ colours: this.#map.value }));
    this.#scale.addEventListener("change", () => this.#choose({ scale: /** @type {any} */ (this.#scale.value) }));
    this.#gamma.addEventListener("input", () => this.#choose({ gamma: Number(this.#gamma.value) }));
    this.#percentiles.addEventListener("click", () => this.#choose({ range: null, auto: "percentiles" }));
    this.#extremes.addEventListener("click", () => this.#choose({ range: null, auto: "extremes" }));
    this.#draw();
  }

  /** The viewer that it belongs to; null for none. */
  get viewer() {
    return this.#viewer;
  }

  set viewer(viewer) {
    for (const name of ["look", "drawn"]) this.#viewer?.removeEventListener(name, this.#changed);
    this.#viewer = viewer;
    for (const name of ["look", "drawn"]) viewer?.addEventListener(name, this.#changed);
    this.#draw();
  }

  /**
   * @param {Partial<Settings>} wanted
   * @param {boolean} [live] Whether a hand still moves.
   */
  #choose(wanted, live = false) {
    if (!this.#viewer) return;
    if (live) this.#viewer.settings = { ...this.#viewer.settings, ...wanted };
    else this.#viewer.adjust(wanted);
  }

  #draw() {
    const viewer = this.#viewer;
    const header = viewer?.frame?.header ?? null;
    const look = viewer?.effective ?? { colours: "gray", range: [0, 1], scale: "linear", gamma: 1 };
    this.#histogram.draw(header, /** @type {any} */ (look));
    this.#ends.hidden = this.#histogram.element.hidden;
    const [low, high] = look.range.map((value) => roundedTo(value, look.range[1] - look.range[0]));
    const ends = [formatNumber(low, 4), withUnit(high, header?.unit, 4)];
    this.#ends.replaceChildren(...ends.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
    if (![...this.#map.options].some((option) => option.value === look.colours)) {
      this.#map.append(new Option(look.colours, look.colours));
    }
    this.#map.value = look.colours;
    this.#scale.value = look.scale;
    this.#gamma.value = String(look.gamma);
    this.#gammaLabel.hidden = header?.kind !== "image" || look.scale !== "gamma";
    const settings = viewer?.settings;
    const automatic = settings?.range === null ? settings.auto : "";
    this.#percentiles.setAttribute("aria-pressed", String(automatic === "percentiles"));
    this.#extremes.setAttribute("aria-pressed", String(automatic === "extremes"));
    const coloured = header?.kind === "image";
    for (const field of [this.#map, this.#scale]) {
      field.disabled = !coloured;
      /** @type {HTMLElement} */ (field.parentElement).hidden = header !== null && !coloured;
    }
    /** @type {HTMLElement} */ (this.#percentiles.parentElement).hidden = header !== null && !coloured && header.kind !== "field";
  }
}

/** @param {string[][]} entries */
function chooser(entries) {
  const select = document.createElement("select");
  select.append(...entries.map(([value, text]) => new Option(text, value)));
  return select;
}

/**
 * @param {string} text
 * @param {HTMLElement} field
 */
function labelled(text, field) {
  const label = document.createElement("label");
  const name = document.createElement("span");
  name.textContent = text;
  label.append(name, field);
  return label;
}

/** @param {string} text */
function button(text) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  return made;
}
