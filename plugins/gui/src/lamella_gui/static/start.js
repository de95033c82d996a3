/** Keys of the first page. */
addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key.toLowerCase() === "o") {
    event.preventDefault();
    /** @type {HTMLAnchorElement|null} */ (document.querySelector(".button.main"))?.click();
  }
});
