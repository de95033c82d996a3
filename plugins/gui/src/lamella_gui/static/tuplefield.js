/** Boxes for the items of a tuple: a comma goes on to the next box, a pasted "(256, 256)" or "256x256" fills all. */

const SEPARATORS = /[\s,;xX×*()[\]]+/;

/** @param {HTMLElement} field */
export function enhance(field) {
  const boxes = () => /** @type {HTMLInputElement[]} */ ([...field.querySelectorAll("input")]);
  const open = "open" in field.dataset;
  if (open) field.append(axes("−", "one axis less", () => fewer(field)), axes("+", "one axis more", () => more(field)?.focus()));
  field.addEventListener("keydown", (event) => {
    const all = boxes();
    const at = all.indexOf(/** @type {any} */ (event.target));
    if (at < 0) return;
    const box = all[at];
    if ([",", ";", "x", "×", " "].includes(event.key)) {
      event.preventDefault();
      if (!box.value && event.key === " ") return;
      (all[at + 1] ?? (open ? more(field) : null))?.focus();
    } else if (event.key === "Backspace" && !box.value && at > 0) {
      event.preventDefault();
      all[at - 1].focus();
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && /^\d+$/.test(box.value)) {
      event.preventDefault();
      const step = (event.shiftKey ? 10 : 1) * (event.key === "ArrowUp" ? 1 : -1);
      box.value = String(Math.max(0, Number(box.value) + step));
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
  field.addEventListener("paste", (event) => {
    const parts = (event.clipboardData?.getData("text") ?? "").split(SEPARATORS).filter(Boolean);
    if (parts.length < 2) return;
    event.preventDefault();
    fill(field, parts);
  });
}

/** @param {HTMLElement} field  @param {string[]} parts */
export function fill(field, parts) {
  while (field.querySelectorAll("input").length < parts.length && "open" in field.dataset) more(field);
  const boxes = [...field.querySelectorAll("input")];
  boxes.forEach((box, i) => (box.value = parts[i] ?? ""));
  boxes[Math.min(parts.length, boxes.length) - 1]?.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {string} text  @param {string} label  @param {() => void} act */
function axes(text, label, act) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: text, title: label, ariaLabel: label });
  button.addEventListener("click", act);
  return button;
}

/** @param {HTMLElement} field */
function fewer(field) {
  const boxes = [...field.querySelectorAll("input")];
  if (boxes.length < 2) return;
  boxes.at(-1)?.remove();
  boxes[0].dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {HTMLElement} field */
function more(field) {
  const boxes = [...field.querySelectorAll("input")];
  if (boxes.length >= 6) return null;
  const last = boxes[boxes.length - 1];
  const box = /** @type {HTMLInputElement} */ (last.cloneNode());
  box.name = last.name.replace(/\d+$/, String(boxes.length));
  box.value = "";
  box.placeholder = "";
  box.setAttribute("aria-label", `${(last.getAttribute("aria-label") ?? "").split(",")[0]}, axis ${boxes.length + 1}`);
  last.after(box);
  return box;
}
