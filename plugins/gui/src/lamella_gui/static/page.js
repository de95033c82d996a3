/** The page of one data set: two pictures, the panels that they show, and what a hand does with them. */
import "../viewer/viewer.js";
import { Connection } from "./connection.js";
import { connectDialogs, openDialog, saveImage, saveResult } from "./dialogs.js";
import { connectKeys } from "./keys.js";
import { PanelForms, handlesIn, positionNames } from "./panels.js";
import { Profile } from "./profile.js";
import { Regions } from "./regions.js";
import { address, get, post } from "./server.js";
import { Slices } from "./slices.js";
import { Status } from "./status.js";
import { Toolbars } from "./toolbars.js";

const scan = document.body.dataset.scan ?? "";
const state = await get(`scan/${scan}/state`);
/** @type {any} */ const detector = document.getElementById("detector");
/** @type {any} */ const picture = document.getElementById("scan");
/** @type {Object<string, any>} */ const viewers = { detector, scan: picture };
const toolbars = new Toolbars(viewers);
const status = new Status(stop);
const profile = new Profile(detector, () => handlesIn(shown.scan, "sig")[0]);
const forms = new PanelForms(state.panels, state.names, changed);
const regions = new Regions(scan, state.regions, forms, picture, (panel) => changed(panel, false));
/** @type {Object<string, any>} which panel each picture shows */
const shown = { detector: null, scan: null };
/** @type {any} */ let active = null;
let keeping = 0;

const slices = new Slices(() => {
  const name = positionNames(shown.detector)?.z;
  if (name) {
    forms.put(shown.detector, { [name]: slices.place.at(-1) });
    changed(shown.detector, true);
  }
  if (shown.scan) changed(shown.scan, true);
});

const socket = address(`scan/${scan}/live`);
socket.protocol = socket.protocol.replace("http", "ws");
const connection = new Connection(socket, { frame: draw, message: heard, link: linked });

/** @param {any} panel */
function laneOf(panel) {
  return panel.picture === "sig" ? "detector" : "scan";
}

/** Ask for the picture of a panel, if it is shown. @param {any} panel  @param {boolean} live */
function changed(panel, live) {
  const lane = laneOf(panel);
  if (shown[lane] === panel) {
    const { analysis, parameters, region, channel } = panel;
    connection.ask(lane, { analysis, parameters, region, channel, slice: lane === "scan" ? slices.place : [] }, live);
    placeHandles();
  }
  clearTimeout(keeping);
  keeping = setTimeout(keep, 500);
}

/** Keep parameters and look on the server. */
async function keep() {
  clearTimeout(keeping);
  const panels = Object.fromEntries(forms.panels.map((one) => [one.id, { parameters: one.parameters, channel: one.channel, region: one.region }]));
  const look = {
    detector: shown.detector?.id, scan: shown.scan?.id, active: active?.id,
    colours: { detector: detector.settings, scan: picture.settings }, letters: detector.letters,
  };
  try {
    await post(`scan/${scan}/state`, { state: JSON.stringify({ panels, look }) });
  } catch {} // the connection says that the server is gone
}

/** @param {any} panel */
function show(panel) {
  if (!panel) return;
  active = panel;
  const lane = laneOf(panel);
  if (shown[lane] !== panel) {
    shown[lane] = panel;
    changed(panel, false);
  }
  forms.mark(active, shown);
  regions.fill(active);
  placeHandles();
  status.show(lane, panel);
}

function placeHandles() {
  detector.handles = [...handlesIn(shown.scan, "sig"), ...handlesIn(shown.detector, "sig")];
  const names = positionNames(shown.detector);
  const values = shown.detector?.parameters;
  picture.position = names && values[names.y] !== null && values[names.x] !== null ? { y: Number(values[names.y]), x: Number(values[names.x]) } : null;
  picture.handles = handlesIn(shown.scan, "nav");
}

/** @param {string} lane  @param {any} frame */
async function draw(lane, frame) {
  const panel = shown[lane];
  if (!panel || frame.header.analysis !== panel.analysis) return;
  forms.channels(panel, frame.header);
  forms.problems(panel, []);
  hideTrouble(lane);
  if (frame.header.kind === "number") {
    forms.number(panel, Number(frame.pixels[0]), frame.header.unit);
    viewers[lane].clear(`${panel.title}: ${frame.pixels[0]}`);
  } else {
    await viewers[lane].show(frame);
  }
  const title = document.getElementById(`${lane}-title`);
  if (title) title.textContent = forms.names[panel.id];
  forms.stage(panel, frame.header.label);
  status.frame(lane, panel, frame.header);
  if (lane === "detector" && frame.header.kind === "image") profile.draw();
}

/** @param {any} message */
function heard(message) {
  const panel = shown[message.lane];
  if (message.type === "problem" && panel) {
    const left = forms.problems(panel, message.problems);
    if (left.length) trouble(message.lane, left.join("; "), message.about === "data");
    status.failed(panel, message.problems.map((/** @type {any} */ one) => one.text).join("; "));
    forms.stage(panel, "failed");
  } else if (message.type === "progress" && panel) {
    status.progress(panel, message);
  } else if (message.type === "state" && panel) {
    status.state(message.lane, panel, message.state);
  }
}

/** @param {string} lane  @param {string} text  @param {boolean} data whether the file is to blame */
function trouble(lane, text, data) {
  const place = /** @type {HTMLElement} */ (document.getElementById(`${lane}-problem`));
  place.hidden = false;
  /** @type {HTMLElement} */ (place.querySelector("span")).textContent = text;
  /** @type {HTMLElement} */ (place.querySelector("button")).hidden = !data;
  if (data) viewers[lane].busy = "the file changed or cannot be read";
}

/** @param {string} lane */
function hideTrouble(lane) {
  /** @type {HTMLElement} */ (document.getElementById(`${lane}-problem`)).hidden = true;
  viewers[lane].busy = null;
}

/** @param {string} link  @param {string} reason */
function linked(link, reason) {
  status.link(link, reason);
  for (const viewer of Object.values(viewers)) viewer.busy = link === "open" ? null : link === "lost" ? "connection lost" : link === "refused" ? reason : null;
}

function stop() {
  for (const lane of Object.keys(viewers)) connection.stop(lane);
}

async function savePicture() {
  await saveImage(active && laneOf(active) === "detector" ? detector : picture, forms.names[active?.id] ?? "picture");
}

/** @param {string} kind */
async function save(kind) {
  if (!active) return;
  await keep();
  if (kind === "png") await savePicture();
  else saveResult(scan, active, kind);
}

for (const [name, viewer] of Object.entries(viewers)) {
  viewer.addEventListener("handle", (/** @type {CustomEvent} */ event) => {
    const panel = forms.panel(event.detail.id);
    if (!panel) return;
    forms.put(panel, event.detail.values);
    changed(panel, event.detail.live);
    profile.draw();
  });
  viewer.addEventListener("view", (/** @type {CustomEvent} */ event) => connection.view(name, event.detail.box, event.detail.size));
  viewer.addEventListener("settings", () => changed(shown[name] ?? active, false));
  viewer.addEventListener("tool", (/** @type {CustomEvent} */ event) => toolbars.choose(name, event.detail.tool));
  viewer.addEventListener("line", (/** @type {CustomEvent} */ event) => {
    profile.along(event.detail.line ? viewer : null);
  });
  viewer.addEventListener("pointerdown", () => toolbars.colour(name));
}
picture.addEventListener("pick", (/** @type {CustomEvent} */ event) => {
  const panel = positionNames(shown.detector) ? shown.detector : forms.panels.find((one) => positionNames(one) && one.picture === "sig");
  const names = positionNames(panel);
  if (!panel || !names) return;
  forms.put(panel, { [names.y]: event.detail.y, [names.x]: event.detail.x });
  if (shown.detector === panel) changed(panel, event.detail.live);
  else show(panel);
});
picture.addEventListener("region", (/** @type {CustomEvent} */ event) => regions.drawn(event.detail.region, active));

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  /** @param {string} name */
  const data = (name) => /** @type {?HTMLElement} */ (target.closest(`[data-${name}]`));
  const item = data("panel");
  if (item) show(forms.panel(item.dataset.panel ?? ""));
  const kind = data("save");
  if (kind) save(kind.dataset.save ?? "npy");
  if (data("beam") && active) findBeam(active);
  if (data("again")) post(`scan/${scan}/reopen`, {}).then(() => location.reload(), () => location.reload());
});
document.addEventListener("change", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.matches("[data-channel]") && active) {
    active.channel = /** @type {HTMLSelectElement} */ (target).value;
    changed(active, false);
  }
  if (target.id === "letters") detector.letters = picture.letters = /** @type {HTMLInputElement} */ (target).checked;
});

/** @param {any} panel */
async function findBeam(panel) {
  try {
    const { parameters } = await post(`scan/${scan}/beam/${panel.id}`, {});
    forms.put(panel, parameters);
    changed(panel, false);
  } catch (error) {
    status.failed(panel, String(/** @type {Error} */ (error).message));
  }
}

connectDialogs(scan, () => active, keep);
connectKeys({
  open: () => (location.href = String(address("open"))),
  code: () => openDialog("code", scan, () => active, keep),
  keys: () => openDialog("keys", scan, () => active, keep),
  save: savePicture,
  stop,
  add: () => document.getElementById("add")?.focus(),
  panel: (number) => show(forms.panels[number]),
  shortcut: (key) => {
    const panel = forms.panels.find((one) => one.shortcut === key);
    show(panel);
    return Boolean(panel);
  },
  letters: () => detector.letters,
});
const look = state.look ?? {};
for (const [name, viewer] of Object.entries(viewers)) if (look.colours?.[name]) viewer.settings = look.colours[name];
const asked = forms.panel(new URLSearchParams(location.search).get("panel") ?? "");
/** @param {string} lane */
const first = (lane) => forms.panel(look[lane] ?? "") ?? forms.panels.find((one) => laneOf(one) === lane);
for (const panel of [first("detector"), first("scan"), asked ?? forms.panel(look.active ?? "")]) show(panel);
toolbars.choose("detector", "pan");
toolbars.choose("scan", "pick");
toolbars.colour("scan");
addEventListener("pagehide", () => connection.end());
