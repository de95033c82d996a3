/** Regions of the scan: the one that is drawn, and those that were kept under a name. */
import { post } from "./server.js";

export class Regions {
  /**
   * @param {string} scan  @param {Object<string, any>} kept  @param {any} forms  @param {any} viewer
   * @param {(panel: any) => void} changed
   */
  constructor(scan, kept, forms, viewer, changed) {
    this.scan = scan;
    this.kept = kept;
    this.forms = forms;
    this.viewer = viewer;
    this.changed = changed;
    /** @type {any} */ this.region = null;
    this.keep = /** @type {HTMLFormElement} */ (document.getElementById("keep-region"));
    this.keep.addEventListener("submit", (event) => this.keepIt(event));
    document.addEventListener("change", (event) => {
      const select = /** @type {HTMLSelectElement} */ (event.target);
      if (select.matches("[data-region]")) this.chosen(select);
    });
    this.list();
  }

  /** @param {any} region  @param {any} active */
  drawn(region, active) {
    this.region = region;
    this.keep.hidden = !region;
    for (const panel of this.forms.panels) {
      if (panel.regionName !== "drawn") continue;
      panel.region = region;
      this.changed(panel);
    }
    this.fill(active);
  }

  /** @param {Event} event */
  async keepIt(event) {
    event.preventDefault();
    const box = /** @type {HTMLInputElement} */ (this.keep.querySelector("input"));
    const answer = await post(`scan/${this.scan}/regions`, { name: box.value, region: JSON.stringify(this.region) });
    this.kept = answer.regions;
    box.value = "";
    this.list();
    this.fill(null);
  }

  list() {
    const list = /** @type {HTMLElement} */ (document.getElementById("regions"));
    list.replaceChildren(...Object.entries(this.kept).map(([name, region]) => this.item(name, region)));
    /** @type {HTMLElement} */ (document.getElementById("no-regions")).hidden = Object.keys(this.kept).length > 0;
  }

  /** @param {string} name  @param {any} region */
  item(name, region) {
    const item = document.createElement("li");
    const show = Object.assign(document.createElement("button"), { className: "item", textContent: name });
    show.addEventListener("click", () => {
      this.region = region;
      this.viewer.region = region;
    });
    const forget = Object.assign(document.createElement("button"), { className: "small", textContent: "×", ariaLabel: `Forget ${name}` });
    forget.addEventListener("click", async () => {
      this.kept = (await post(`scan/${this.scan}/regions`, { name, forget: "1" })).regions;
      this.list();
      this.fill(null);
    });
    item.append(show, forget);
    return item;
  }

  /** Fill the choice of regions of the forms. @param {any} active */
  fill(active) {
    for (const panel of active ? [active] : this.forms.panels) {
      const select = /** @type {HTMLSelectElement} */ (this.forms.form(panel).querySelector("[data-region]"));
      const names = Object.keys(this.kept);
      const options = [new Option("whole scan", ""), ...names.map((name) => new Option(name, `kept:${name}`))];
      if (this.region) options.push(new Option("the region that is drawn", "drawn"));
      select.replaceChildren(...options);
      const text = JSON.stringify(panel.region);
      const kept = names.find((name) => JSON.stringify(this.kept[name]) === text);
      panel.regionName ??= panel.region === null ? "" : kept ? `kept:${kept}` : "drawn";
      select.value = panel.regionName;
    }
  }

  /** @param {HTMLSelectElement} select */
  chosen(select) {
    const panel = this.forms.panel(/** @type {HTMLElement} */ (select.closest("[data-form]")).dataset.form ?? "");
    if (!panel) return;
    panel.regionName = select.value;
    panel.region = select.value === "" ? null : select.value === "drawn" ? this.region : this.kept[select.value.slice(5)];
    this.changed(panel);
  }
}
