/** The profile along a line, or around the centre of a detector. */

export class Profile {
  /** @param {any} detector  @param {() => any} handle gives the handle around which the mean is taken, if there is one */
  constructor(detector, handle) {
    this.detector = detector;
    this.handle = handle;
    this.viewer = /** @type {any} */ (document.getElementById("profile"));
    /** @type {any} the viewer with the line */ this.source = null;
    this.waiting = 0;
  }

  /** @param {any} viewer  a viewer with a line, or null */
  along(viewer) {
    this.source = viewer;
    this.draw();
  }

  /** Draw in the next frame; several wishes are one. */
  draw() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    const viewer = this.source ?? this.detector;
    const [height, width] = viewer.frame?.header.size ?? [1, 1];
    const handle = this.handle();
    const centre = handle ? { y: handle.y.value, x: handle.x.value } : { y: (height - 1) / 2, x: (width - 1) / 2 };
    const made = this.source ? viewer.lineProfile() : viewer.radialProfile(centre);
    if (!made) return;
    made.header.scale = viewer.effective.scale === "log" ? "log" : "linear";
    const step = made.header.axes[0]?.scale ?? 1;
    this.viewer.guides = this.source ? [] : (handle?.radii ?? []).map((/** @type {any} */ one) => one.value * step);
    this.viewer.show(made);
    const where = this.source ? `along the line in the ${viewer.label.toLowerCase()} picture` : "mean of the detector picture around the centre";
    for (const [id, text] of [["profile-title", this.source ? "Line profile" : "Radial profile"], ["profile-text", where]]) {
      const place = document.getElementById(id);
      if (place) place.textContent = text;
    }
  }
}
