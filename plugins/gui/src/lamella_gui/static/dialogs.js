/** Dialogs of a page: keys, code, export. */
import { address, download, get, post } from "./server.js";

/** @param {string} id */
function dialog(id) {
  return /** @type {HTMLDialogElement} */ (document.getElementById(`dialog-${id}`));
}

/** @param {string} scan  @param {() => any} active the panel whose code is shown  @param {() => Promise<any>} kept keeps the state first */
export function connectDialogs(scan, active, kept) {
  document.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const opener = /** @type {?HTMLElement} */ (target.closest("[data-dialog]"));
    if (opener) openDialog(opener.dataset.dialog ?? "", scan, active, kept);
    if (target.closest("[data-close]")) target.closest("dialog")?.close();
    const kind = /** @type {?HTMLElement} */ (target.closest("[data-code]"));
    if (kind) showCode(scan, active, kept, kind.dataset.code ?? "py");
    if (target.closest("[data-copy]")) copy();
  });
  connectExport(scan);
}

/** @param {string} id  @param {string} scan  @param {() => any} active  @param {() => Promise<any>} kept */
export function openDialog(id, scan, active, kept) {
  if (dialog(id).open) return;
  dialog(id).showModal();
  if (id === "code") showCode(scan, active, kept, "py");
}

/** @param {string} scan  @param {() => any} active  @param {() => Promise<any>} kept  @param {string} kind */
async function showCode(scan, active, kept, kind) {
  const panel = active();
  const place = dialog("code");
  place.querySelectorAll("[data-code]").forEach((one) => one.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (one).dataset.code === kind)));
  const text = /** @type {HTMLElement} */ (place.querySelector("[data-text]"));
  const name = /** @type {HTMLElement} */ (place.querySelector("[data-name]"));
  if (!panel) {
    text.textContent = "Choose an analysis first.";
    return;
  }
  name.textContent = panel.title;
  await kept();
  const response = await fetch(address(`scan/${scan}/code/${panel.id}.${kind}`));
  text.textContent = await response.text();
}

async function copy() {
  const place = dialog("code");
  const text = place.querySelector("[data-text]")?.textContent ?? "";
  const said = /** @type {HTMLElement} */ (place.querySelector("[data-said]"));
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied.";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(/** @type {Node} */ (place.querySelector("[data-text]")));
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    said.textContent = "The browser does not allow copying here. The text is selected: press Ctrl+C.";
  }
}

/** @param {string} scan */
function connectExport(scan) {
  const place = dialog("export");
  const form = /** @type {HTMLFormElement} */ (place.querySelector("form"));
  const problem = /** @type {HTMLElement} */ (place.querySelector("[data-problem]"));
  const said = /** @type {HTMLElement} */ (place.querySelector("[data-said]"));
  const bar = /** @type {HTMLProgressElement} */ (place.querySelector("progress"));
  const stop = /** @type {HTMLButtonElement} */ (place.querySelector("[data-stop]"));
  let running = "";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (running) return;
    problem.textContent = "";
    said.textContent = "";
    try {
      let job = await post(`scan/${scan}/export`, new URLSearchParams(/** @type {any} */ (new FormData(form))));
      running = job.id;
      bar.hidden = stop.hidden = false;
      while (job.state === "running") {
        bar.value = job.share;
        await new Promise((done) => setTimeout(done, 250));
        job = await get(`jobs/${running}`);
      }
      if (job.state === "failed") problem.textContent = job.text;
      else said.textContent = job.state === "done" ? `Written: ${job.text}` : "The export was stopped. No file was left.";
    } catch (error) {
      problem.textContent = String(/** @type {Error} */ (error).message);
    }
    running = "";
    bar.hidden = stop.hidden = true;
  });
  stop.addEventListener("click", () => post(`jobs/${running}/stop`, {}));
}

/** @param {string} scan  @param {any} panel  @param {string} kind */
export function saveResult(scan, panel, kind) {
  download(address(kind === "ipynb" ? `scan/${scan}/code/${panel.id}.${kind}` : `scan/${scan}/result/${panel.id}.${kind}`));
}

/** @param {any} viewer  @param {string} name */
export async function saveImage(viewer, name) {
  const url = URL.createObjectURL(await viewer.toPNG());
  download(url, `${name}.png`);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
