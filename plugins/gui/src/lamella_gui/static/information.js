/** Search in the tree of metadata. */
const search = /** @type {HTMLInputElement|null} */ (document.getElementById("search"));
const items = [...document.querySelectorAll("#tree li")].map((item) => ({ item: /** @type {HTMLElement} */ (item), text: (item.textContent ?? "").toLowerCase() }));

search?.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  let found = 0;
  for (const { item, text } of items) {
    const fits = !wanted || text.includes(wanted);
    item.hidden = !fits;
    const inner = item.querySelector("details");
    if (inner) inner.open = Boolean(wanted) && fits;
    else if (wanted && fits) found += 1;
  }
  const said = document.getElementById("found");
  if (said) said.textContent = wanted ? `${found} found` : "";
});
