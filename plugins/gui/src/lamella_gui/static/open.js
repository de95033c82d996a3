/** The page for opening a file: messages change while somebody types, fields never do. */
import { post } from "./server.js";
import { enhance, fill } from "./tuplefield.js";

const REST = 150;
const form = /** @type {HTMLFormElement|null} */ (document.getElementById("form"));
document.querySelectorAll(".tuple").forEach((field) => enhance(/** @type {HTMLElement} */ (field)));
document.getElementById("format")?.addEventListener("change", (event) => {
  const select = /** @type {HTMLSelectElement} */ (event.target);
  const carried = form ? new URLSearchParams(/** @type {any} */ (new FormData(form))) : new URLSearchParams(/** @type {any} */ (new FormData(select.form ?? undefined)));
  carried.set("format", select.value);
  for (const [name, value] of [...carried]) if (!value) carried.delete(name);
  location.search = carried.toString();
});
addEventListener("keydown", (event) => {
  const back = /** @type {HTMLAnchorElement|null} */ (document.querySelector("[data-back]"));
  if (event.key === "Escape" && back) location.href = back.href;
});

if (form) {
  let number = 0;
  let waiting = 0;
  const fields = () => new URLSearchParams(/** @type {any} */ (new FormData(form)));

  const check = async () => {
    const mine = ++number;
    try {
      const messages = await post("check", fields());
      if (mine === number) show(form, messages);
    } catch (error) {
      if (mine === number) problems(form, [String(/** @type {Error} */ (error).message)]);
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(check, REST);
  });
  form.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("[data-shape]");
    const field = form.querySelector('[data-field="nav_shape"] .tuple');
    if (button && field) fill(/** @type {HTMLElement} */ (field), (/** @type {HTMLElement} */ (button).dataset.shape ?? "").split(","));
  });
  form.querySelector("[data-preview]")?.addEventListener("click", async () => {
    const place = /** @type {HTMLElement} */ (form.querySelector("[data-previews]"));
    try {
      const { frames } = await post("preview", fields());
      place.replaceChildren(...frames.map(small));
    } catch (error) {
      place.textContent = String(/** @type {Error} */ (error).message);
    }
  });
  check();
}

/** @param {{word: string, place: string, source: string}} frame */
function small(frame) {
  const figure = document.createElement("figure");
  const image = document.createElement("img");
  image.src = frame.source;
  image.alt = `${frame.word} frame`;
  const caption = document.createElement("figcaption");
  caption.textContent = `${frame.word}: (${frame.place})`;
  figure.append(image, caption);
  return figure;
}

/** @param {HTMLElement} form  @param {string[]} texts */
function problems(form, texts) {
  form.querySelector("[data-problems]")?.replaceChildren(
    ...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
}

/** @param {HTMLElement} form  @param {any} messages */
function show(form, messages) {
  problems(form, messages.problems[""] ?? []);
  for (const element of form.querySelectorAll("[data-field]")) {
    const field = /** @type {HTMLElement} */ (element);
    const name = field.dataset.field ?? "";
    const texts = messages.problems[name] ?? [];
    const problem = field.querySelector("[data-problem]");
    if (problem) problem.textContent = texts.join("; ");
    const origin = field.querySelector("[data-origin]");
    const from = messages.origins[name] ?? "";
    if (origin) origin.textContent = from === "default" ? "" : from;
    const used = String(messages.values[name] ?? "");
    const boxes = [...field.querySelectorAll("input")];
    boxes.forEach((box, i) => (box.placeholder = boxes.length > 1 ? used.split(",")[i] ?? "" : used));
    field.querySelectorAll("input, select").forEach((box) => box.setAttribute("aria-invalid", String(texts.length > 0)));
  }
  const fits = form.querySelector("[data-fits]");
  fits?.replaceChildren(
    ...messages.alternatives.map((/** @type {any} */ one) => {
      const button = Object.assign(document.createElement("button"), { type: "button", title: one.why, textContent: one.shape.join(" × ") });
      button.dataset.shape = one.shape.join(",");
      return button;
    }),
  );
  const fitting = /** @type {?HTMLElement} */ (fits?.parentElement ?? null);
  if (fitting) fitting.hidden = messages.alternatives.length === 0;
  const counts = /** @type {HTMLElement|null} */ (form.querySelector("[data-counts]"));
  if (counts) counts.hidden = !messages.counts;
  for (const count of form.querySelectorAll("[data-count]")) {
    count.textContent = messages.counts ? String(messages.counts[/** @type {HTMLElement} */ (count).dataset.count ?? ""]) : "";
  }
  const summary = form.querySelector("[data-summary]");
  if (summary) {
    summary.textContent = messages.scan
      ? `${messages.scan.join(" × ")} scan (${messages.nav_origin}) · ${messages.frame.join(" × ")} px · ${messages.dtype}`
      : "";
  }
}
