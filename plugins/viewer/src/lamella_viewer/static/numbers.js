/** Numbers as texts: digits that mean something, round lengths, units as people write them. */

/** @typedef {import("./types.js").Axis} Axis */

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const THIN = "\u202f";
/** Powers of ten between which numbers are written out. */
const POWERS = [-3, 6];
const LENGTHS = [
  ["pm", 1e-12],
  ["nm", 1e-9],
  ["µm", 1e-6],
  ["mm", 1e-3],
  ["m", 1],
];

/**
 * Gives a number with so many digits at most, in groups of three, with a power of ten where it is very large or small.
 *
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export function formatNumber(value, digits = 5) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const power = Math.floor(Math.log10(Math.abs(value)));
  if (Number.isInteger(value) && power < 9) return grouped(value.toFixed(0));
  if (power >= POWERS[0] && power < POWERS[1]) {
    return trimmed(value.toFixed(Math.min(12, Math.max(0, digits - 1 - power))));
  }
  const [factor, exponent] = value.toExponential(Math.min(digits - 1, 3)).split("e");
  return `${trimmed(factor)}×${powerText(Number(exponent))}`;
}

/**
 * Gives a number with a fixed count of decimals, so that a row of such numbers does not jump.
 *
 * @param {number} value
 * @param {number} decimals
 */
export function fixedNumber(value, decimals) {
  const text = grouped(value.toFixed(Math.max(0, Math.min(12, decimals))));
  return /^−?[0.]+$/.test(text) ? text.replace("−", "") : text;
}

/** @param {string} text */
function trimmed(text) {
  return grouped(text.includes(".") ? text.replace(/\.?0+$/, "") : text);
}

/** @param {string} text */
function grouped(text) {
  const [whole, part] = text.split(".");
  const digits = whole.replace("-", "");
  const marked = digits.length > 4 ? digits.replace(/\B(?=(\d{3})+$)/g, THIN) : digits;
  return `${whole.startsWith("-") ? "−" : ""}${marked}${part ? `.${part}` : ""}`;
}

/**
 * Gives a power of ten, such as 10⁻⁴.
 *
 * @param {number} power
 */
export function powerText(power) {
  const raised = [...String(Math.abs(power))].map((digit) => RAISED[Number(digit)]).join("");
  return `10${power < 0 ? "⁻" : ""}${raised}`;
}

/**
 * Gives a unit as people write it: nm⁻¹ for 1/nm.
 *
 * @param {string | null | undefined} unit
 */
export function unitText(unit) {
  if (!unit) return "";
  return unit.startsWith("1/") ? `${unit.slice(2)}⁻¹` : unit;
}

/**
 * Gives a number with its unit.
 *
 * @param {number | null | undefined} value
 * @param {string | null | undefined} unit
 * @param {number} [digits]
 */
export function withUnit(value, unit, digits) {
  const text = unitText(unit);
  return text ? `${formatNumber(value, digits)} ${text}` : formatNumber(value, digits);
}

/**
 * Gives a number without digits that mean nothing beside a span, such as the range of a picture.
 *
 * @param {number | null} value
 * @param {number} span
 */
export function roundedTo(value, span) {
  if (value === null || !(span > 0) || !Number.isFinite(span)) return value;
  const step = 10 ** (Math.floor(Math.log10(span)) - 3);
  return step >= 1 ? value : Number((Math.round(value / step) * step).toPrecision(12));
}

/**
 * Gives the largest of 1, 2, 5, 10, … that is at most `about`.
 *
 * @param {number} about
 */
export function niceLength(about) {
  const power = 10 ** Math.floor(Math.log10(about));
  const factor = [5, 2, 1].find((one) => one * power <= about * (1 + 1e-9)) ?? 1;
  return Number((factor * power).toPrecision(12));
}

/**
 * Gives a length in the unit in which it is a number from 1 to 1000.
 *
 * @param {number} length
 * @param {string | null | undefined} unit
 */
export function lengthText(length, unit) {
  const known = LENGTHS.find(([name]) => name === unit || (name === "µm" && unit === "um"));
  if (!known) return withUnit(length, unit || "px");
  const metres = length * Number(known[1]);
  const [name, size] = LENGTHS.findLast(([, one]) => metres >= Number(one) * (1 - 1e-9)) ?? LENGTHS[0];
  return withUnit(Number((metres / Number(size)).toPrecision(6)), String(name));
}

/**
 * Gives where an index lies on an axis.
 *
 * @param {Axis | undefined} axis
 * @param {number} index
 */
export function inUnits(axis, index) {
  return axis ? axis.offset + axis.scale * index : index;
}

/**
 * Gives where an index lies on an axis as a text without unit, with the decimals that a pixel needs.
 *
 * @param {Axis} axis
 * @param {number} index
 */
export function axisNumber(axis, index) {
  const whole = Number.isInteger(axis.scale) && Number.isInteger(axis.offset);
  const decimals = whole ? 0 : Math.ceil(0.3 - Math.log10(Math.abs(axis.scale) || 1));
  if (decimals > 5 || decimals < -5) return formatNumber(inUnits(axis, index), 4);
  return fixedNumber(inUnits(axis, index), decimals);
}

/**
 * Whether both axes are of one kind, such as two lengths, so that one bar shows the scale of both.
 *
 * @param {Axis[] | undefined} axes
 */
export function alike(axes) {
  if (!axes || axes.length !== 2 || (axes[0].unit || "") !== (axes[1].unit || "")) return false;
  const names = axes.map((axis) => axis.name);
  if (names.includes("frame")) return false;
  const differ = [...names[0]].filter((letter, i) => letter !== names[1][i]).length;
  return Boolean(axes[0].unit) || (names[0].length === names[1].length && differ <= 1);
}

/**
 * Gives round values between two limits, with their texts.
 *
 * @param {number} low
 * @param {number} high
 * @param {boolean} logarithmic
 * @param {number} most
 * @returns {{value: number, text: string}[]}
 */
export function ticks(low, high, logarithmic, most) {
  if (!(high > low) || !Number.isFinite(high - low)) return [];
  if (logarithmic && low > 0) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const count = Math.floor(Math.log10(high) + 1e-9) - first + 1;
    const powers = Array.from({ length: count }, (_, i) => ({ value: 10 ** (first + i), text: tenText(first + i) }));
    const marks = count >= 2 ? powers : onesTwosAndFives(low, high, first);
    const every = Math.ceil(marks.length / most);
    if (count >= 2 || marks.length >= 3) return marks.filter((_, i) => i % every === 0);
  }
  const finest = niceLength((high - low) / most);
  const step = [1, 2, 2.5, 5, 10].map((factor) => niceLength(finest * factor * (1 + 1e-9)));
  const chosen = step.find((one) => Math.floor(high / one + 1e-6) - Math.ceil(low / one - 1e-6) <= most) ?? finest * 10;
  const start = Math.ceil(low / chosen - 1e-6);
  const end = Math.floor(high / chosen + 1e-6);
  if (end - start > 2 * most) return [];
  const digits = Math.max(1, 1 + Math.floor(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / chosen)));
  return Array.from({ length: end - start + 1 }, (_, i) => {
    const value = Number(((start + i) * chosen).toPrecision(12));
    return { value, text: formatNumber(value, Math.min(6, digits)) };
  });
}

/** @param {number} low  @param {number} high  @param {number} power of ten between them, or next to them */
function onesTwosAndFives(low, high, power) {
  return [power - 1, power, power + 1]
    .flatMap((one) => [1, 2, 5].map((factor) => Number(`${factor}e${one}`)))
    .filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9))
    .map((value) => ({ value, text: formatNumber(value, 3) }));
}

/** @param {number} power */
function tenText(power) {
  return power >= -2 && power < 4 ? formatNumber(10 ** power) : powerText(power);
}
