/** What went wrong with a picture, in one sentence below it; the last picture stays. */

/** @param {string} lane */
const place = (lane) => /** @type {HTMLElement} */ (document.getElementById(`${lane}-problem`));

/** @param {any} viewer  @param {string} lane  @param {string} text  @param {boolean} data whether the file is to blame */
export function showTrouble(viewer, lane, text, data) {
  place(lane).hidden = false;
  /** @type {HTMLElement} */ (place(lane).querySelector("span")).textContent = text;
  /** @type {HTMLElement} */ (place(lane).querySelector("button")).hidden = !data;
  if (data) viewer.busy = "the file changed or cannot be read";
}

/** @param {any} viewer  @param {string} lane */
export function hideTrouble(viewer, lane) {
  place(lane).hidden = true;
  viewer.busy = null;
}
