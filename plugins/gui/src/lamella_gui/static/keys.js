/** Keys of the page of a data set; those of a picture are its own. */

/**
 * @param {{open: () => void, code: () => void, keys: () => void, save: () => void, stop: () => void, add: () => void, transform: () => void,
 *   panel: (number: number) => void, shortcut: (key: string) => boolean, letters: () => boolean}} acts
 */
export function connectKeys(acts) {
  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const typing = /** @type {HTMLElement} */ (event.target).matches?.("input, select, textarea");
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (event.key === "Escape") acts.stop();
    else if (control && key === "o") act(event, acts.open);
    else if (control && event.shiftKey && key === "c") act(event, acts.code);
    else if (control && key === "s") act(event, acts.save);
    else if (typing || control || event.altKey || !acts.letters()) return;
    else if (key === "a") act(event, acts.add);
    else if (key === "f") act(event, acts.transform);
    else if (event.key === "?") act(event, acts.keys);
    else if (/^[1-9]$/.test(event.key)) act(event, () => acts.panel(Number(event.key) - 1));
    else if (acts.shortcut(key)) event.preventDefault();
  });
}

/** @param {KeyboardEvent} event  @param {() => void} what */
function act(event, what) {
  event.preventDefault();
  what();
}
