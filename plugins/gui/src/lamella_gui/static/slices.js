/** Sliders for the axes of a scan that no picture shows. */
export class Slices {
  /** @param {() => void} changed */
  constructor(changed) {
    const sliders = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[data-slice]")]);
    /** @type {number[]} */ this.place = sliders.map(() => 0);
    for (const [i, slider] of sliders.entries()) {
      slider.addEventListener("input", () => {
        this.place[i] = Number(slider.value);
        /** @type {HTMLOutputElement} */ (slider.nextElementSibling).value = slider.value;
        changed();
      });
    }
  }
}
