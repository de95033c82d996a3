/** The Fourier transform of a picture: where it repeats itself. */

/** @typedef {import("./types.js").Axis} Axis */
/** @typedef {import("./types.js").Frame} Frame */

/** Edge of what is transformed, at most [px]. */
const MOST = 1024;
const BINS = 128;

/**
 * Gives the amplitudes of the Fourier transform of an image, zero frequency in the middle; null of what is no image.
 * Amplitudes are those of a mean over the picture. Borders are faded out, else they would show as a cross. Sides are
 * filled up to powers of two.
 *
 * @param {Frame} frame
 * @returns {Frame | null}
 */
export function fourierFrame({ header, pixels, valid, shape }) {
  if (header.kind !== "image" || shape.length !== 2 || Math.min(...shape) < 4) return null;
  const part = shape.map((n) => Math.min(n, MOST));
  const [height, width] = part.map((n) => 2 ** Math.ceil(Math.log2(n)));
  const [top, left] = shape.map((n, i) => (n - part[i]) >> 1);
  const at = (/** @type {number} */ y, /** @type {number} */ x) => (top + y) * shape[1] + left + x;
  const mean = meanOf(pixels, valid);
  const real = new Float64Array(height * width);
  const imaginary = new Float64Array(height * width);
  const fades = part.map((n) => Float64Array.from({ length: n }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / n) ** 2));
  for (let y = 0; y < part[0]; y++) {
    for (let x = 0; x < part[1]; x++) {
      const value = pixels[at(y, x)];
      const known = Number.isFinite(value) && (!valid || valid[at(y, x)]);
      if (known) real[y * width + x] = (value - mean) * fades[0][y] * fades[1][x];
    }
  }
  transform(real, imaginary, height, width);
  const amplitudes = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = ((y + height / 2) % height) * width + ((x + width / 2) % width);
      amplitudes[y * width + x] = Math.hypot(real[from], imaginary[from]) / (part[0] * part[1]);
    }
  }
  return {
    header: {
      ...numbersOf(amplitudes),
      kind: "image",
      dtype: "f4",
      shape: [height, width],
      size: [height, width],
      box: [0, 0, height, width],
      axes: [height, width].map((n, i) => reciprocal(header, shape, i, n)),
      unit: header.unit,
      colours: "gray",
      scale: "log",
      title: `Fourier transform of ${header.title ?? "the picture"}`,
      stage: header.stage,
      label: header.label,
    },
    pixels: amplitudes,
    valid: null,
    shape: [height, width],
  };
}

/** @type {(header: import("./types.js").Header, shape: number[], i: number, n: number) => Axis} */
function reciprocal({ axes, size, box }, shape, i, n) {
  const axis = axes?.[axes.length - 2 + i];
  const covered = box ? box[i + 2] - box[i] : (size ?? shape)[i];
  const scale = shape[i] / (n * covered * Math.abs(axis?.scale ?? 1));
  const of = axis?.unit?.startsWith("1/") ? axis.unit.slice(2) : `1/${axis?.unit || "px"}`;
  return { name: `1/${axis?.name ?? "yx"[i]}`, scale, offset: -scale * (n / 2), unit: of };
}

/** @param {ArrayLike<number>} pixels  @param {Uint8Array | null} valid */
function meanOf(pixels, valid) {
  let [sum, count] = [0, 0];
  for (let i = 0; i < pixels.length; i++) {
    if (!Number.isFinite(pixels[i]) || (valid && !valid[i])) continue;
    sum += pixels[i];
    count++;
  }
  return count ? sum / count : 0;
}

/** Extremes, percentiles and a histogram, as the server tells them of other pictures. @param {Float32Array} values */
function numbersOf(values) {
  const sorted = values.filter((_, i) => i % Math.max(1, values.length >> 16) === 0).sort();
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  const bright = sorted[Math.floor(0.9995 * (sorted.length - 1))] || 1;
  const range = [Math.max(sorted[sorted.length >> 2], bright / 1000), bright];
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of sorted) counts[Math.min(BINS - 1, Math.floor((value / (high || 1)) * BINS))]++;
  return { range, percentiles: range, extremes: [sorted[0], high], histogram: { low: 0, high: high || 1, counts } };
}

/** Transforms rows, then columns. @type {(real: Float64Array, imaginary: Float64Array, height: number, width: number) => void} */
function transform(real, imaginary, height, width) {
  for (let y = 0; y < height; y++) {
    const [from, to] = [y * width, (y + 1) * width];
    line(real.subarray(from, to), imaginary.subarray(from, to));
  }
  const [a, b] = [new Float64Array(height), new Float64Array(height)];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) [a[y], b[y]] = [real[y * width + x], imaginary[y * width + x]];
    line(a, b);
    for (let y = 0; y < height; y++) [real[y * width + x], imaginary[y * width + x]] = [a[y], b[y]];
  }
}

/** The transform of a line whose length is a power of two, in place. @param {Float64Array} real  @param {Float64Array} imaginary */
function line(real, imaginary) {
  const n = real.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let length = 2; length <= n; length *= 2) {
    const angle = (-2 * Math.PI) / length;
    for (let k = 0; k < length / 2; k++) {
      const [cos, sin] = [Math.cos(angle * k), Math.sin(angle * k)];
      for (let i = k; i < n; i += length) {
        const j = i + length / 2;
        const [re, im] = [real[j] * cos - imaginary[j] * sin, real[j] * sin + imaginary[j] * cos];
        [real[j], imaginary[j]] = [real[i] - re, imaginary[i] - im];
        real[i] += re;
        imaginary[i] += im;
      }
    }
  }
}
