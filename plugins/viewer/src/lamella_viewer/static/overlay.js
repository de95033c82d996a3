/** Outlines and places that can be moved, drawn over a picture: amber with a dark rim, visible on every colour map. */

/** @typedef {import("./geometry.js").View} View */
/** @typedef {import("./types.js").Knob} Knob */
/** @typedef {import("./types.js").Shape} Shape */

const SVG = "http://www.w3.org/2000/svg";
/** Screen pixels from an outline within which it is grasped. */
const NEAR = 6;
const MARGIN = 8;

/** Keeps elements of the same key, so that focus and drags stay. */
export class Overlay {
  /** @type {Map<string, HTMLElement>} */
  #dots = new Map();
  #svg = document.createElementNS(SVG, "svg");
  #lines = new Map(["solid rim", "solid", "dashed rim", "dashed"].map((name) => [name, pathOf(name)]));
  #layer = document.createElement("div");

  /** @param {HTMLElement} pane */
  constructor(pane) {
    this.#svg.setAttribute("aria-hidden", "true");
    this.#svg.append(...this.#lines.values());
    this.#layer.className = "knobs";
    pane.append(this.#svg, this.#layer);
  }

  /**
   * @param {View} view
   * @param {Shape[]} shapes
   * @param {Knob[]} knobs
   */
  draw(view, shapes, knobs) {
    const texts = { solid: "", dashed: "" };
    for (const shape of shapes) texts[shape.dashed ? "dashed" : "solid"] += outline(view, shape);
    for (const knob of knobs) if (knob.look === "cross") texts.solid += cross(view, knob);
    for (const [name, path] of this.#lines) {
      path.setAttribute("d", texts[name.startsWith("solid") ? "solid" : "dashed"]);
    }
    const kept = new Set(knobs.map((knob) => knob.key));
    for (const [key, dot] of this.#dots) {
      if (!kept.has(key)) {
        dot.remove();
        this.#dots.delete(key);
      }
    }
    for (const knob of knobs) this.#place(view, knob);
  }

  /**
   * @param {View} view
   * @param {Knob} knob
   */
  #place(view, knob) {
    let dot = this.#dots.get(knob.key);
    if (!dot) {
      dot = document.createElement("div");
      dot.setAttribute("role", "slider");
      dot.tabIndex = 0;
      dot.dataset.key = knob.key;
      this.#dots.set(knob.key, dot);
      this.#layer.append(dot);
    }
    dot.className = `knob ${knob.look ?? "dot"}`;
    const places = [knob, ...(knob.others ?? [])].map(({ y, x }) => view.toScreen(y, x));
    const [top, left] = places.find((one) => visible(view, one)) ?? places[0];
    dot.hidden = !visible(view, [top, left], -MARGIN);
    dot.style.transform = `translate(${left.toFixed(2)}px, ${top.toFixed(2)}px)`;
    const told = { label: knob.label, valuetext: knob.text, valuenow: round(knob.now), valuemin: knob.min, valuemax: knob.max };
    for (const [name, value] of Object.entries(told)) {
      if (value === undefined) dot.removeAttribute(`aria-${name}`);
      else if (dot.getAttribute(`aria-${name}`) !== String(value)) dot.setAttribute(`aria-${name}`, String(value));
    }
  }

  /**
   * Gives the key of the place that an element is.
   *
   * @param {EventTarget | null} target
   */
  keyOf(target) {
    return target instanceof HTMLElement ? (target.dataset.key ?? null) : null;
  }

  /** @param {string} key */
  focus(key) {
    this.#dots.get(key)?.focus({ preventScroll: true });
  }
}

/** @param {string} name */
function pathOf(name) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("class", name);
  return path;
}

/** @param {number} value */
function round(value) {
  return Number(value.toFixed(3));
}

/**
 * @param {View} view
 * @param {[number, number]} place
 */
function visible({ pane }, [top, left], margin = MARGIN) {
  return top >= margin && left >= margin && top <= pane[0] - margin && left <= pane[1] - margin;
}

/**
 * @param {View} view
 * @param {Shape} shape
 */
function outline(view, { kind, at }) {
  if (kind === "cross") return cross(view, { y: at[0], x: at[1] });
  if (kind === "circle") {
    const [top, left] = view.toScreen(at[0], at[1]);
    const [ry, rx] = [at[2] * view.ky, at[2] * view.k];
    return `M${left - rx} ${top}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0Z`;
  }
  const points = kind === "rect" ? [at[0], at[1], at[0], at[3], at[2], at[3], at[2], at[1]] : at;
  return `M${pairs(points).map(([y, x]) => view.toScreen(y, x).reverse().join(" ")).join("L")}${kind === "line" ? "" : "Z"}`;
}

/**
 * @param {View} view
 * @param {import("./types.js").Place} place
 */
function cross(view, { y, x }) {
  const [top, left] = view.toScreen(y, x);
  const [gap, arm] = [6, 16];
  return [
    `M${left - arm} ${top}h${arm - gap}`,
    `M${left + gap} ${top}h${arm - gap}`,
    `M${left} ${top - arm}v${arm - gap}`,
    `M${left} ${top + gap}v${arm - gap}`,
  ].join("");
}

/** @param {number[]} numbers */
function pairs(numbers) {
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
}

/**
 * Gives the key of the outline near a place of the screen.
 *
 * @param {View} view
 * @param {Shape[]} shapes
 * @param {number} top
 * @param {number} left
 */
export function outlineAt(view, shapes, top, left) {
  let best = NEAR;
  let found = null;
  for (const { kind, at, key } of shapes) {
    if (!key) continue;
    const far = kind === "circle" ? fromCircle(view, at, top, left) : fromLines(view, kind, at, top, left);
    if (far <= best) [best, found] = [far, key];
  }
  return found;
}

/**
 * @param {View} view
 * @param {number[]} at
 * @param {number} top
 * @param {number} left
 */
function fromCircle(view, at, top, left) {
  const [middle0, middle1] = view.toScreen(at[0], at[1]);
  const [dy, dx] = [top - middle0, left - middle1];
  const part = Math.hypot(dy / (at[2] * view.ky), dx / (at[2] * view.k));
  return at[2] > 0 ? Math.abs(part - 1) * (Math.hypot(dy, dx) / (part || 1)) : Infinity;
}

/**
 * @param {View} view
 * @param {string} kind
 * @param {number[]} at
 * @param {number} top
 * @param {number} left
 */
function fromLines(view, kind, at, top, left) {
  const corners = kind === "rect" ? [at[0], at[1], at[0], at[3], at[2], at[3], at[2], at[1]] : at;
  const points = pairs(corners).map(([y, x]) => view.toScreen(y, x));
  const ends = kind === "line" ? points.slice(1) : [...points.slice(1), points[0]];
  return Math.min(...ends.map((end, i) => fromSegment(points[i], end, top, left)));
}

/**
 * @param {number[]} a
 * @param {number[]} b
 * @param {number} top
 * @param {number} left
 */
function fromSegment(a, b, top, left) {
  const [dy, dx] = [b[0] - a[0], b[1] - a[1]];
  const along = ((top - a[0]) * dy + (left - a[1]) * dx) / (dy * dy + dx * dx || 1);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(top - a[0] - t * dy, left - a[1] - t * dx);
}
