/** The tools of the pictures, and which of them the panel for colours belongs to. */
export class Toolbars {
  /** @param {Object<string, any>} viewers */
  constructor(viewers) {
    this.viewers = viewers;
    this.colours = /** @type {any} */ (document.getElementById("colours"));
    document.addEventListener("click", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      const tool = /** @type {?HTMLElement} */ (target.closest("[data-tool]"));
      if (tool) this.choose(tool.closest("[data-tools]")?.getAttribute("data-tools") ?? "", tool.dataset.tool ?? "");
      const of = /** @type {?HTMLElement} */ (target.closest("[data-colours-of]"));
      if (of) this.colour(of.dataset.coloursOf ?? "");
    });
  }

  /** @param {string} name  @param {string} tool */
  choose(name, tool) {
    this.viewers[name].tool = tool;
    if (name === "scan") this.viewers.second.tool = tool;
    press(`[data-tools="${name}"] [data-tool]`, (button) => button.dataset.tool === tool);
  }

  /** @param {string} name */
  colour(name) {
    this.colours.viewer = this.viewers[name];
    press("[data-colours-of]", (button) => button.dataset.coloursOf === name);
  }
}

/** @param {string} selector  @param {(button: HTMLElement) => boolean} chosen */
function press(selector, chosen) {
  for (const button of document.querySelectorAll(selector)) {
    button.setAttribute("aria-pressed", String(chosen(/** @type {HTMLElement} */ (button))));
  }
}
