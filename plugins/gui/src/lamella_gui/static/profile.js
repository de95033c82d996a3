/** Profiles through a picture: mean over circles around a centre, and values along a line. */

/** @param {any} frame  @param {{y: number, x: number}} centre  @param {string} scale "linear" or "log" */
export function radialProfile(frame, centre, scale) {
  const [height, width] = frame.shape.slice(-2);
  const length = Math.ceil(Math.hypot(Math.max(centre.y, height - 1 - centre.y), Math.max(centre.x, width - 1 - centre.x))) + 1;
  const sums = new Float64Array(length);
  const counts = new Float64Array(length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = frame.pixels[y * width + x];
      if (!Number.isFinite(value) || (frame.valid && !frame.valid[y * width + x])) continue;
      const r = Math.round(Math.hypot(y - centre.y, x - centre.x));
      sums[r] += value;
      counts[r] += 1;
    }
  }
  const axis = frame.header.axes?.[frame.header.axes.length - 1];
  return curve(frame, sums.map((sum, i) => (counts[i] ? sum / counts[i] : NaN)), { name: "r", scale: axis?.scale ?? 1, offset: 0, unit: axis?.unit ?? "px" }, "Radial profile", scale);
}

/** @param {any} frame  @param {{y0: number, x0: number, y1: number, x1: number}} line  @param {string} scale "linear" or "log" */
export function lineProfile(frame, line, scale) {
  const [height, width] = frame.shape.slice(-2);
  const steps = Math.max(1, Math.round(Math.hypot(line.y1 - line.y0, line.x1 - line.x0)));
  const values = new Float64Array(steps + 1);
  for (let i = 0; i <= steps; i++) {
    const y = Math.round(line.y0 + ((line.y1 - line.y0) * i) / steps);
    const x = Math.round(line.x0 + ((line.x1 - line.x0) * i) / steps);
    const inside = y >= 0 && x >= 0 && y < height && x < width;
    values[i] = inside && (!frame.valid || frame.valid[y * width + x]) ? frame.pixels[y * width + x] : NaN;
  }
  const [vertical, horizontal] = frame.header.axes?.length === 2 ? frame.header.axes : [null, null];
  const dy = ((line.y1 - line.y0) / steps) * (vertical?.scale ?? 1);
  const dx = ((line.x1 - line.x0) / steps) * (horizontal?.scale ?? 1);
  const sameUnit = vertical?.unit === horizontal?.unit;
  const axis = { name: "position", scale: sameUnit ? Math.hypot(dy, dx) || 1 : 1, offset: 0, unit: sameUnit ? horizontal?.unit ?? "px" : "px" };
  return curve(frame, values, axis, "Line profile", scale);
}

/** @param {any} frame  @param {Float64Array} values  @param {any} axis  @param {string} title  @param {string} scale */
function curve(frame, values, axis, title, scale) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const extremes = low <= high ? [low, high] : [0, 1];
  const header = {
    ...frame.header, kind: "curve", title, desc: title, size: [values.length], shape: [values.length], axes: [axis], extremes, percentiles: extremes,
    range: extremes, scale, histogram: null, quantised: null,
  };
  return { header, pixels: values, valid: null, shape: [values.length] };
}

/** Shows the profile along a line, or around the centre of a detector. */
export class Profile {
  /** @param {any} detector  @param {() => any} centre gives the handle around which the mean is taken, if there is one */
  constructor(detector, centre) {
    this.detector = detector;
    this.centre = centre;
    this.viewer = /** @type {any} */ (document.getElementById("profile"));
    /** @type {any} */ this.source = null;
    /** @type {any} */ this.line = null;
    this.waiting = 0;
  }

  /** @param {any} viewer  @param {any} line */
  along(viewer, line) {
    this.source = viewer;
    this.line = line;
    this.draw();
  }

  /** Draw in the next frame; several wishes are one. */
  draw() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    const viewer = this.source ?? this.detector;
    const frame = viewer.frame;
    if (frame?.header.kind !== "image") return;
    const scale = viewer.effective.scale === "log" ? "log" : "linear";
    const [height, width] = frame.shape.slice(-2);
    const handle = this.centre();
    const middle = handle ? { y: handle.y.value, x: handle.x.value } : { y: (height - 1) / 2, x: (width - 1) / 2 };
    const made = this.source ? lineProfile(frame, this.line, scale) : radialProfile(frame, middle, scale);
    this.viewer.show(made);
    const where = this.source ? `along the line in the ${viewer.label.toLowerCase()} picture` : "mean of the detector picture around the centre";
    for (const [id, text] of [["profile-title", made.header.title], ["profile-text", where]]) {
      const place = document.getElementById(id);
      if (place) place.textContent = text;
    }
  }
}
