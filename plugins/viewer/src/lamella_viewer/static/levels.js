/** What the user chose and what the frame suggests, as what is drawn. */

import { isMap } from "./maps.js";

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Header} Header */
/** @typedef {import("./types.js").Look} Look */
/** @typedef {import("./types.js").Settings} Settings */

/** @type {Settings} */
export const AUTOMATIC = { colours: null, range: null, scale: null, gamma: 0.5, auto: "header" };
/** Ratio of the ends of a logarithmic scale at most, where nothing else is known. */
const FARTHEST = 1e5;

/**
 * Gives settings without what makes no sense.
 *
 * @param {Partial<Settings>} wanted
 * @param {Settings} before
 * @returns {Settings}
 */
export function checkedSettings(wanted, before) {
  const next = { ...before };
  if ("colours" in wanted) next.colours = isMap(wanted.colours) ? /** @type {string} */ (wanted.colours) : null;
  if ("range" in wanted) next.range = rangeOf(wanted.range);
  if ("scale" in wanted) {
    const known = ["linear", "log", "gamma"].includes(String(wanted.scale));
    next.scale = known ? /** @type {Settings["scale"]} */ (wanted.scale) : null;
  }
  const gamma = Number(wanted.gamma);
  if (gamma > 0 && Number.isFinite(gamma)) next.gamma = Math.min(10, Math.max(0.1, gamma));
  if (["header", "percentiles", "extremes"].includes(String(wanted.auto))) {
    next.auto = /** @type {Settings["auto"]} */ (wanted.auto);
  }
  return next;
}

/**
 * @param {unknown} range
 * @returns {[number, number] | null}
 */
function rangeOf(range) {
  if (!Array.isArray(range) || range.length !== 2) return null;
  const [low, high] = range.map(Number);
  if (range.includes(null) || !Number.isFinite(low) || !Number.isFinite(high)) return null;
  return low <= high ? [low, high] : [high, low];
}

/**
 * Gives what is drawn.
 *
 * @param {Settings} settings
 * @param {Header | null} header
 * @returns {Look}
 */
export function lookOf(settings, header) {
  const suggested = header?.scale === "log" ? "log" : "linear";
  const scale = header?.kind === "field" || header?.kind === "rgba" ? "linear" : (settings.scale ?? suggested);
  const range = settings.range ?? automaticRange(settings.auto, header, scale, suggested);
  return {
    colours: settings.colours ?? (isMap(header?.colours) ? String(header?.colours) : "gray"),
    range: scale === "log" ? positive(range) : range,
    scale,
    gamma: settings.gamma,
  };
}

/**
 * @param {Settings["auto"]} auto
 * @param {Header | null} header
 * @param {string} scale
 * @param {string} suggested
 * @returns {[number, number]}
 */
function automaticRange(auto, header, scale, suggested) {
  const told = rangeOf(header?.range);
  const percentiles = rangeOf(header?.percentiles);
  const extremes = rangeOf(header?.extremes);
  const fits = (scale === "log") === (suggested === "log") || header?.scale === "balanced";
  const ways = {
    header: fits ? (told ?? percentiles) : percentiles,
    percentiles,
    extremes,
  };
  const found = ways[auto] ?? told ?? percentiles ?? [0, 1];
  return header?.kind === "field" ? [0, found[1]] : found;
}

/**
 * @param {[number, number]} range
 * @returns {[number, number]}
 */
function positive([low, high]) {
  if (low > 0) return [low, high];
  if (high > 0) return [high > 1 ? Math.max(high / FARTHEST, Math.min(1, high / 100)) : high / 1e3, high];
  return [1, 10];
}

/**
 * Gives where a value lies in the colours: 0 at the first, 1 at the last.
 *
 * @param {number} value
 * @param {Look} look
 */
export function fractionOf(value, look) {
  const [low, high] = look.range;
  if (!(high > low)) return 0;
  const inside = Math.min(high, Math.max(low, value));
  if (look.scale === "log") return Math.log(inside / low) / Math.log(high / low);
  const part = (inside - low) / (high - low);
  return look.scale === "gamma" ? part ** look.gamma : part;
}
