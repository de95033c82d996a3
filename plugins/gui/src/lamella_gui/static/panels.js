/** The panels of a page: parameters of analyses, their forms, and the handles that belong to them. */
import { formatNumber } from "../viewer/numbers.js";
import { post } from "./server.js";

/**
 * @typedef {{picture: string, y: string, x: string, z: ?string, radii: string[]}} HandleNames
 * @typedef {{id: string, analysis: string, title: string, picture: string, parameters: Object<string, any>,
 *   channels: {key: string, title: string}[], channel: ?string, region: any, handles: HandleNames[], shortcut: ?string}} Panel
 */

/** Numbers that are typed with more digits than a hand can place are kept as they are; dragged ones get two decimals. */
const DIGITS = 100;

/** @param {number} value */
export function rounded(value) {
  return Math.round(value * DIGITS) / DIGITS;
}

export class PanelForms {
  /**
   * @param {Panel[]} panels  @param {Object<string, string>} names
   * @param {(panel: Panel, live: boolean) => void} changed
   */
  constructor(panels, names, changed) {
    this.panels = panels;
    this.names = names;
    this.changed = changed;
    for (const panel of panels) {
      this.form(panel).addEventListener("input", (event) => this.typed(panel, /** @type {any} */ (event.target)));
      this.form(panel).addEventListener("submit", (event) => event.preventDefault());
    }
  }

  /** @param {string} id */
  panel(id) {
    return this.panels.find((panel) => panel.id === id) ?? null;
  }

  /** @param {Panel} panel */
  form(panel) {
    return /** @type {HTMLFormElement} */ (document.querySelector(`[data-form="${panel.id}"]`));
  }

  /** @param {Panel} panel  @param {HTMLInputElement|HTMLSelectElement} box */
  typed(panel, box) {
    if (!box.name) return;
    const text = box.value.trim();
    if (text === "") return;
    const was = panel.parameters[box.name];
    panel.parameters[box.name] = typeof was === "number" && Number.isFinite(Number(text)) ? Number(text) : text;
    this.changed(panel, true);
  }

  /** Take numbers over, from a handle for instance. @param {Panel} panel  @param {Object<string, any>} values */
  put(panel, values) {
    for (const [name, value] of Object.entries(values)) {
      panel.parameters[name] = typeof value === "number" ? rounded(value) : value;
      const box = this.form(panel).elements.namedItem(name);
      if (box && box !== document.activeElement) /** @type {HTMLInputElement} */ (box).value = String(panel.parameters[name]);
    }
  }

  /** Put an analysis where the direct beam is. @param {string} scan  @param {Panel} panel */
  async findBeam(scan, panel) {
    const { parameters } = await post(`scan/${scan}/beam/${panel.id}`, {});
    this.put(panel, parameters);
    this.changed(panel, false);
  }

  /** Show one form, and mark which panels are shown. @param {?Panel} active  @param {Object<string, ?Panel>} shown */
  mark(active, shown) {
    for (const panel of this.panels) {
      this.form(panel).hidden = panel !== active;
      const item = document.querySelector(`.item[data-panel="${panel.id}"]`);
      item?.setAttribute("aria-pressed", String(Object.values(shown).includes(panel)));
      item?.toggleAttribute("data-active", panel === active);
    }
  }

  /** @param {Panel} panel  @param {string} text */
  stage(panel, text) {
    const place = document.querySelector(`.item[data-panel="${panel.id}"] [data-stage]`);
    if (place) place.textContent = text;
  }

  /** Say what is wrong at the fields; gives what belongs to none. @param {Panel} panel  @param {{field: ?string, text: string}[]} problems */
  problems(panel, problems) {
    const form = this.form(panel);
    const left = [];
    for (const field of form.querySelectorAll(".field")) {
      field.classList.remove("bad");
      const place = field.querySelector("[data-problem]");
      if (place) place.textContent = "";
      field.querySelectorAll("input, select").forEach((box) => box.removeAttribute("aria-invalid"));
    }
    for (const { field, text } of problems) {
      const place = field ? form.querySelector(`[data-field="${CSS.escape(field)}"]`) : null;
      const sentence = place?.querySelector("[data-problem]");
      if (!place || !sentence) {
        left.push(text);
        continue;
      }
      place.classList.add("bad");
      sentence.textContent = text;
      place.querySelectorAll("input, select").forEach((box) => box.setAttribute("aria-invalid", "true"));
    }
    return left;
  }

  /** @param {Panel} panel  @param {any} header */
  channels(panel, header) {
    const select = /** @type {HTMLSelectElement} */ (this.form(panel).querySelector("[data-channel]"));
    const keys = header.channels.map((/** @type {any} */ one) => one.key).join("\n");
    if (select.dataset.keys !== keys) {
      select.dataset.keys = keys;
      select.replaceChildren(...header.channels.map((/** @type {any} */ one) => new Option(one.title, one.key)));
    }
    select.value = header.channel;
    const number = /** @type {HTMLElement} */ (this.form(panel).querySelector("[data-number]"));
    number.hidden = header.kind !== "number";
  }

  /** @param {Panel} panel  @param {number} value  @param {string} unit */
  number(panel, value, unit) {
    const place = this.form(panel).querySelector("[data-number]");
    if (place) place.textContent = `${formatNumber(value)} ${unit}`.trim();
  }
}

/** The handles of a panel in one picture, as the viewer takes them. @param {?Panel} panel  @param {string} picture */
export function handlesIn(panel, picture) {
  if (!panel) return [];
  return panel.handles
    .filter((one) => one.picture === picture && isPlaced(panel, one))
    .map((one) => ({
      id: panel.id,
      label: panel.title,
      y: { name: one.y, value: Number(panel.parameters[one.y]) },
      x: { name: one.x, value: Number(panel.parameters[one.x]) },
      radii: one.radii
        .filter((name) => Number.isFinite(Number(panel.parameters[name] ?? NaN)))
        .map((name) => ({ name, value: Number(panel.parameters[name]), label: name, min: 0 })),
      kind: one.radii.length ? "circle" : "point",
    }));
}

/** @param {Panel} panel  @param {HandleNames} one */
function isPlaced(panel, one) {
  return [one.y, one.x].every((name) => panel.parameters[name] !== null && Number.isFinite(Number(panel.parameters[name])));
}

/** The names of the parameters that are a position of the scan, if a panel has such. @param {?Panel} panel */
export function positionNames(panel) {
  return panel?.handles.find((one) => one.picture === "nav") ?? null;
}
