/** Keys of a viewer; those that mean nothing here go on to the page. */

import { MAPS, mapBase } from "./maps.js";
import { REGION_TOOLS, drawnRegion } from "./regions.js";

/** @typedef {import("./marks.js").Change} Change */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./types.js").Settings} Settings */

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
/** @type {Record<string, string>} */
const TOOLS = { p: "pick", r: "rect", d: "disk", o: "ring", l: "line" };
const ZOOM = 1.5;
/** Parts of the pane that an arrow moves the picture by. */
const PAN = 0.1;

/**
 * @typedef {object} Host What keys act on.
 * @property {Scene} scene
 * @property {boolean} letters
 * @property {string} tool
 * @property {string[]} tools
 * @property {() => boolean} cancel
 * @property {(change: Change) => void} tell
 * @property {(wanted: Partial<Settings>) => void} adjust
 * @property {(tool: string) => void} choose
 * @property {() => void} viewed
 */

/**
 * Does what a key says; gives whether it says something.
 *
 * @param {KeyboardEvent} event
 * @param {Host} host
 * @param {string | null} key The place that has the focus.
 */
export function pressed(event, host, key) {
  if (event.ctrlKey || event.metaKey || event.isComposing || !host.scene.frame) return false;
  if (event.key === "Escape") return host.cancel();
  if (Object.hasOwn(ARROWS, event.key)) return arrow(event, host, key);
  if (["+", "=", "-", "0"].includes(event.key)) return zoomed(event.key, host);
  if (event.key === "Delete" || event.key === "Backspace") return removed(host, key);
  if (event.key === "Enter") return created(host);
  const bracket = ["[", "{", "BracketLeft"].some((one) => one === event.key || one === event.code) ? -1 : 1;
  if (["[", "]", "{", "}"].includes(event.key) || /^Bracket/.test(event.code)) return grown(event, host, key, bracket);
  return host.letters && !event.altKey && letter(event, host);
}

/** @param {KeyboardEvent} event */
function stepOf(event) {
  if (event.shiftKey) return 10;
  return event.altKey ? 0.1 : 1;
}

/**
 * @param {KeyboardEvent} event
 * @param {Host} host
 * @param {string | null} key
 */
function arrow(event, host, key) {
  const { scene } = host;
  const [down, right] = ARROWS[event.key].map((one) => one * stepOf(event));
  const chosen = key ?? (host.tool === "pick" && scene.marks.position ? "position/" : null);
  if (!chosen) {
    const far = event.shiftKey ? 5 * PAN : PAN;
    const [y, x] = ARROWS[event.key];
    scene.view.pan(-y * far * scene.view.pane[0], -x * far * scene.view.pane[1]);
    host.viewed();
    return true;
  }
  const change = scene.marks.nudge(chosen, down, right);
  if (change) host.tell(change);
  return true;
}

/**
 * @param {string} key
 * @param {Host} host
 */
function zoomed(key, host) {
  const { view } = host.scene;
  if (key === "0") view.fit();
  else view.zoom(key === "-" ? 1 / ZOOM : ZOOM);
  host.viewed();
  return true;
}

/**
 * @param {KeyboardEvent} event
 * @param {Host} host
 * @param {string | null} key
 * @param {number} sign
 */
function grown(event, host, key, sign) {
  const { marks } = host.scene;
  const first = marks.knobs.find((knob) => knob.key.startsWith("handle/") || knob.key.startsWith("region/"));
  const chosen = key ?? first?.key;
  const change = chosen ? marks.grow(chosen, sign * stepOf(event)) : null;
  if (change) host.tell(change);
  return change !== null;
}

/**
 * Removes the region or the line.
 *
 * @param {Host} host
 * @param {string | null} key
 */
function removed(host, key) {
  const { marks, screen } = host.scene;
  const name = key?.startsWith("line/") || (!marks.region && marks.line) ? "line" : "region";
  if (!marks[name] || (key && !key.startsWith(name))) return false;
  marks[name] = null;
  if (key) screen.canvas.focus({ preventScroll: true });
  host.tell({ name, detail: { [name]: null } });
  return true;
}

/**
 * Makes what the tool draws, in the middle of what is visible.
 *
 * @param {Host} host
 */
function created({ scene, tool, tell }) {
  const { marks, view } = scene;
  const [y0, x0, y1, x1] = view.box;
  const [middle, half] = [{ y: (y0 + y1 - 1) / 2, x: (x0 + x1 - 1) / 2 }, Math.min(y1 - y0, x1 - x0) / 8];
  if (tool === "pick") {
    tell(marks.pick(middle));
    return true;
  }
  if (tool === "line") {
    marks.line = { y0: middle.y, x0: middle.x - half, y1: middle.y, x1: middle.x + half };
    tell({ name: "line", detail: { line: marks.line } });
    return true;
  }
  if (!REGION_TOOLS.includes(tool)) return false;
  const corners = [
    { y: middle.y - half, x: middle.x - half },
    { y: middle.y - half, x: middle.x + half },
    { y: middle.y + half, x: middle.x + half },
  ];
  const path = tool === "rect" ? [corners[0], corners[2]] : tool === "polygon" ? corners : [middle, corners[2]];
  marks.region = drawnRegion(tool, path, marks.size, 0.1);
  if (marks.region) tell({ name: "region", detail: { region: marks.region } });
  return true;
}

/**
 * @param {KeyboardEvent} event
 * @param {Host} host
 */
function letter(event, host) {
  const pressedKey = event.key.toLowerCase();
  const { scene } = host;
  const { look } = scene;
  const { settings } = scene;
  if (Object.hasOwn(TOOLS, pressedKey) && host.tools.includes(TOOLS[pressedKey])) {
    host.choose(TOOLS[pressedKey]);
    return true;
  }
  if (pressedKey === "g") {
    host.adjust({ scale: look.scale === "log" ? "linear" : "log" });
    return true;
  }
  if (pressedKey === "c") {
    const at = MAPS.findIndex((one) => mapBase(one) === mapBase(look.colours));
    host.adjust({ colours: MAPS[(at + (event.shiftKey ? MAPS.length - 1 : 1)) % MAPS.length] });
    return true;
  }
  if (pressedKey === "x") {
    const whole = settings.range === null && settings.auto === "extremes";
    host.adjust({ range: null, auto: whole ? "header" : "extremes" });
    return true;
  }
  return false;
}
