/** Curves, drawn by uPlot with axes and units. */

import { formatNumber, inUnits, powerText, ticks, unitText } from "./numbers.js";
import uPlot from "./vendor/uplot.js";

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Look} Look */

const FONT = "12px Inter, system-ui, sans-serif";
/** @type {any} */ const measured = document.createElement("canvas").getContext("2d");

/** A plot that keeps its size, zoom and colours. */
export class Plot {
  element = document.createElement("div");
  /** What the cursor is at. @type {{x: number, y: (number | null)[]} | null} */
  at = null;
  /** @type {(() => void) | null} */
  moved = null;
  /** Places on the axis with a line, such as radii. @type {number[]} */
  guides = [];
  /** Ends of the vertical axis. @type {[number, number]} */
  #range = [0, 1];
  #probe = document.createElement("i");
  /** The chart of uPlot, once a curve was drawn. @type {any} */
  chart = null;
  #made = "";
  #drawn = "";
  /** @type {Frame | null} */
  #frame = null;

  constructor() {
    this.element.className = "plot";
    this.element.setAttribute("part", "plot");
    this.element.setAttribute("role", "img");
    this.#probe.className = "probe";
    this.element.append(this.#probe);
    this.#probe.addEventListener("transitionend", () => this.chart?.redraw(false)); // colours of the page have changed
  }

  /** Height and width [CSS px]. */
  get size() {
    return [this.element.clientHeight, this.element.clientWidth];
  }

  /** Ground and ink of the page. */
  get colours() {
    const style = getComputedStyle(this.#probe);
    return [style.backgroundColor, style.color];
  }

  get canvas() {
    return /** @type {HTMLCanvasElement} */ (this.element.querySelector("canvas"));
  }

  /**
   * @param {Frame} frame
   * @param {string} name For those who do not see it.
   * @param {Look} look
   */
  draw(frame, name, look) {
    const { header } = frame;
    const logarithmic = look.scale === "log";
    this.element.setAttribute("aria-label", name);
    const width = this.element.clientWidth;
    const height = this.element.clientHeight;
    if (!width || !height) return;
    const axis = header.axes?.[header.axes.length - 1];
    const rows = rowsOf(frame);
    const wanted = JSON.stringify([logarithmic, axis?.name, axis?.unit, header.unit, header.title, rows.length]);
    if (wanted !== this.#made) this.#make(wanted, frame, rows.length, logarithmic, width, height);
    if (this.chart.width !== width || this.chart.height !== height) this.chart.setSize({ width, height });
    const drawn = JSON.stringify([look.range, this.guides]);
    if (frame !== this.#frame || drawn !== this.#drawn) {
      this.#frame = frame;
      this.#drawn = drawn;
      this.#range = withMargin(look.range, header.extremes, logarithmic);
      const n = rows[0]?.length ?? 0;
      const places = Float64Array.from({ length: n }, (_, i) => inUnits(axis, i));
      const before = this.chart.data[0];
      const same = n > 0 && before.length === n && before[0] === places[0] && before[n - 1] === places[n - 1];
      this.chart.setData([places, ...rows], !same); // a part that the user has chosen stays
      if (same) this.chart.redraw();
    }
  }

  /**
   * @param {string} wanted
   * @param {Frame} frame
   * @param {number} count
   * @param {boolean} logarithmic
   * @param {number} width
   * @param {number} height
   */
  #make(wanted, frame, count, logarithmic, width, height) {
    const { header } = frame;
    const axis = header.axes?.[header.axes.length - 1];
    this.chart?.destroy();
    const line = (/** @type {string} */ side) => getComputedStyle(this.#probe)[/** @type {any} */ (side)];
    const base = {
      stroke: () => line("color"),
      grid: { stroke: () => line("borderTopColor"), width: 1 },
      ticks: { stroke: () => line("borderTopColor"), width: 1, size: 4 },
      font: FONT,
      labelFont: FONT,
      labelSize: 18,
      labelGap: 0,
      gap: 4,
    };
    const named = (/** @type {string} */ text, /** @type {string} */ unit) => (unit ? `${text} [${unit}]`.trim() : text);
    const colours = ["var", "#e07b39", "#8a63d2", "#2f9e8f", "#d0578b"];
    this.chart = new uPlot(
      {
        width,
        height,
        padding: [10, 14, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false } },
        scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1, range: () => this.#range } },
        axes: [
          { ...base, size: 26, label: named(axis?.name ?? "", unitText(axis?.unit)), values: texts(false), space: 60 },
          { ...base, size: room, label: unitText(header.unit), values: texts(logarithmic), space: 28, ...(logarithmic ? { splits: decades, filter: everyMark } : {}) },
        ],
        series: [
          {},
          ...Array.from({ length: count }, (_, i) => ({
            stroke: () => (i % colours.length ? colours[i % colours.length] : line("outlineColor")),
            width: 1.6,
            points: { show: false },
          })),
        ],
        hooks: {
          setCursor: [(/** @type {any} */ chart) => this.#cursor(chart)],
          draw: [(/** @type {any} */ chart) => drawGuides(chart, this.guides, line("columnRuleColor"))],
        },
      },
      [[], ...Array.from({ length: count }, () => [])],
      this.element,
    );
    this.#made = wanted;
    this.#frame = null;
  }

  /** @param {any} chart */
  #cursor(chart) {
    const i = chart.cursor.idx;
    this.at = i === null || i === undefined ? null : { x: chart.data[0][i], y: chart.data.slice(1).map((/** @type {any} */ row) => row[i] ?? null) };
    this.moved?.();
  }
}

/**
 * Gives ends of an axis with some room beyond the curve; a range that cuts it stays.
 *
 * @param {[number, number]} range
 * @param {(number | null)[] | undefined} extremes
 * @param {boolean} logarithmic
 * @returns {[number, number]}
 */
function withMargin([low, high], extremes, logarithmic) {
  if (!(high > low)) return logarithmic ? [low / 2, low * 2] : [low - 1, low + 1];
  const margin = logarithmic ? (high / low) ** 0.04 : 0.04 * (high - low);
  const [least, most] = [Number(extremes?.[0] ?? NaN), Number(extremes?.[1] ?? NaN)];
  const bottom = low > least ? low : Math.min(low, logarithmic ? least / margin : least === 0 ? 0 : least - margin);
  const top = high < most ? high : Math.max(high, logarithmic ? most * margin : most + margin);
  return logarithmic && !(bottom > 0) ? [low, top] : [Number.isNaN(bottom) ? low : bottom, Number.isNaN(top) ? high : top];
}

/**
 * @param {any} chart
 * @param {number[]} guides
 * @param {string} colour
 */
function drawGuides({ ctx, bbox, scales, valToPos }, guides, colour) {
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = uPlot.pxRatio;
  ctx.setLineDash([4 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
  for (const guide of guides) {
    if (!(guide >= scales.x.min && guide <= scales.x.max)) continue;
    const left = Math.round(valToPos(guide, "x", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/**
 * Gives curves as uPlot wants them: null where a number is not known.
 *
 * @param {Frame} frame
 */
function rowsOf({ pixels, shape, valid }) {
  const n = shape[shape.length - 1];
  const count = shape.length === 2 ? shape[0] : 1;
  return Array.from({ length: count }, (_, row) =>
    Array.from(pixels.subarray(row * n, (row + 1) * n), (value, i) =>
      Number.isFinite(value) && (!valid || valid[i]) ? value : null,
    ),
  );
}

/** Texts for all marks of an axis. @type {(chart: any, splits: number[]) => number[]} */
function everyMark(_, splits) {
  return splits;
}

/** @type {(chart: any, axis: number, low: number, high: number) => number[]} */
function decades(chart, _, low, high) {
  return ticks(low, high, true, Math.max(2, Math.floor(chart.bbox.height / uPlot.pxRatio / 26))).map(({ value }) => value);
}

/** Room for the texts of an axis [px]. @type {(chart: any, values: (string | null)[] | null) => number} */
function room(_, values) {
  measured.font = FONT;
  return Math.max(54, 10 + Math.ceil(Math.max(...(values ?? []).map((text) => measured.measureText(text ?? "").width), 0)));
}

/** @param {boolean} logarithmic */
function texts(logarithmic) {
  return (/** @type {unknown} */ _, /** @type {(number | null)[]} */ values) => {
    const powers = logarithmic && values.every((value) => value === null || Number.isInteger(Math.log10(value)));
    return values.map((value) => {
      if (value === null) return null;
      const power = Math.log10(value);
      return powers && Math.abs(power) > 3 ? powerText(power) : formatNumber(value, logarithmic ? 3 : 6);
    });
  };
}
