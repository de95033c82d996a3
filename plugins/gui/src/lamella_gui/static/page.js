/** The page of one data set: two pictures, the panels that they show, and what a hand does with them. */
import "../viewer/viewer.js";
import { Connection } from "./connection.js";
import { Compare } from "./compare.js";
import { connectDialogs, openDialog, saveImage, saveResult } from "./dialogs.js";
import { Follow } from "./follow.js";
import { connectKeys } from "./keys.js";
import { PanelForms, handlesIn, positionNames } from "./panels.js";
import { Profile } from "./profile.js";
import { Regions } from "./regions.js";
import { address, get, post } from "./server.js";
import { Slices } from "./slices.js";
import { Status } from "./status.js";
import { Toolbars } from "./toolbars.js";
import { hideTrouble, showTrouble } from "./trouble.js";

const scan = document.body.dataset.scan ?? "";
const state = await get(`scan/${scan}/state`);
/** @type {any} */ const detector = document.getElementById("detector");
/** @type {any} */ const picture = document.getElementById("scan");
/** @type {any} */ const second = document.getElementById("second");
/** @type {Object<string, any>} */ const viewers = { detector, scan: picture, second };
const toolbars = new Toolbars(viewers);
const status = new Status(stop);
const profile = new Profile(detector, () => handlesIn(shown.scan, "sig")[0]);
const forms = new PanelForms(state.panels, state.names, changed);
const regions = new Regions(scan, state.regions, forms, picture, (panel) => changed(panel, false));
/** @type {Object<string, any>} which panel each picture shows */
const shown = { detector: null, scan: null, second: null };
/** @type {any} */ let active = null;
let keeping = 0;

const slices = new Slices(() => {
  const name = positionNames(shown.detector)?.z;
  if (name) {
    forms.put(shown.detector, { [name]: slices.place.at(-1) });
    changed(shown.detector, true);
  }
  for (const panel of new Set([shown.scan, shown.second])) if (panel) changed(panel, true);
});

const socket = address(`scan/${scan}/live`);
socket.protocol = socket.protocol.replace("http", "ws");
const connection = new Connection(socket, { frame: draw, message: heard, link: (/** @type {string} */ link, /** @type {string} */ reason) => status.link(link, reason, viewers) });

/** @param {any} panel */
function laneOf(panel) {
  return panel.picture === "sig" ? "detector" : "scan";
}

/** Ask for the picture of a panel, if it is shown. @param {any} panel  @param {boolean} live */
function changed(panel, live) {
  for (const lane of Object.keys(shown).filter((one) => shown[one] === panel)) {
    const { analysis, parameters, region, channel } = panel;
    connection.ask(lane, { analysis, parameters, region, channel, slice: lane === "detector" ? [] : slices.place }, live);
    placeHandles();
  }
  keepSoon();
}

function keepSoon() {
  clearTimeout(keeping);
  if (!connection.refused) keeping = setTimeout(keep, 500);
}

/** Keep parameters and look on the server. */
async function keep() {
  clearTimeout(keeping);
  const panels = Object.fromEntries(forms.panels.map((one) => [one.id, { parameters: one.parameters, channel: one.channel, region: one.region }]));
  const look = {
    detector: shown.detector?.id, scan: shown.scan?.id, active: active?.id,
    colours: Object.fromEntries(Object.entries(viewers).map(([name, viewer]) => [name, viewer.settings])),
    letters: detector.letters, compare: compare.look, follow: follow.box.checked,
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
    viewers[lane].dataset.shows = panel.id;
    changed(panel, false);
  }
  forms.mark(active, shown);
  regions.fill(active);
  placeHandles();
  status.show(lane, panel);
}

function placeHandles() {
  detector.handles = [...new Set([shown.scan, shown.second, shown.detector])].flatMap((panel) => handlesIn(panel, "sig"));
  const names = positionNames(shown.detector);
  const values = shown.detector?.parameters;
  const known = names && values[names.y] !== null && values[names.x] !== null;
  for (const lane of ["scan", "second"]) {
    viewers[lane].position = known && (lane === "scan" || shown.second) ? { y: Number(values[names.y]), x: Number(values[names.x]) } : null;
    viewers[lane].handles = handlesIn(shown[lane], "nav");
  }
}

/** @param {string} lane  @param {any} frame */
async function draw(lane, frame) {
  const panel = shown[lane];
  if (!panel || frame.header.analysis !== panel.analysis || !follow.shows(lane, frame.header)) return;
  forms.channels(panel, frame.header);
  forms.problems(panel, []);
  hideTrouble(viewers[lane], lane);
  if (frame.header.kind === "number") {
    forms.number(panel, Number(frame.pixels[0]), frame.header.unit);
    viewers[lane].clear(`${panel.title}: ${frame.pixels[0]}`);
  } else {
    await viewers[lane].show(frame);
  }
  /** @type {HTMLElement} */ (document.getElementById(`${lane}-title`)).textContent = forms.names[panel.id];
  forms.stage(panel, frame.header.label);
  status.frame(lane, panel, frame.header);
  if (lane === "detector" && frame.header.kind === "image") profile.draw();
}

/** @param {any} message */
function heard(message) {
  const panel = shown[message.lane];
  if (message.type === "problem" && panel) {
    follow.keeping.delete(message.lane);
    const left = forms.problems(panel, message.problems);
    if (left.length) showTrouble(viewers[message.lane], message.lane, left.join("; "), message.about === "data");
    status.failed(panel, message.problems.map((/** @type {any} */ one) => one.text).join("; "));
    forms.stage(panel, "failed");
  } else if (message.type === "progress" && panel) {
    status.progress(panel, message);
  } else if (message.type === "state" && panel) {
    status.state(message.lane, panel, message.state);
  }
}

function stop() {
  for (const lane of Object.keys(viewers)) connection.stop(lane);
}

async function savePicture() {
  await saveImage(active && laneOf(active) === "detector" ? detector : picture, forms.names[active?.id] ?? "picture");
}

/** @param {string} kind */
async function save(kind) {
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
  viewer.addEventListener("settings", keepSoon);
  viewer.addEventListener("tool", (/** @type {CustomEvent} */ event) => toolbars.choose(viewer === second ? "scan" : name, event.detail.tool));
  viewer.addEventListener("line", (/** @type {CustomEvent} */ event) => {
    profile.along(event.detail.line ? viewer : null);
  });
  viewer.addEventListener("pointerdown", () => toolbars.colour(name));
}
/** @param {CustomEvent} event */
function picked(event) {
  const panel = positionNames(shown.detector) ? shown.detector : forms.panels.find((one) => positionNames(one) && one.picture === "sig");
  const names = positionNames(panel);
  if (!panel || !names) return;
  forms.put(panel, { [names.y]: event.detail.y, [names.x]: event.detail.x });
  if (shown.detector === panel) changed(panel, event.detail.live);
  else show(panel);
}
for (const [here, there] of [[picture, second], [second, picture]]) {
  here.addEventListener("pick", picked);
  here.addEventListener("region", (/** @type {CustomEvent} */ event) => {
    if (here === picture || shown.second) there.region = event.detail.region;
    regions.drawn(event.detail.region, active);
  });
}
const follow = new Follow(scan, state.frames, () => {
  for (const panel of new Set(Object.values(shown))) if (panel) changed(panel, false);
  return Object.keys(shown).filter((lane) => shown[lane]);
}, (text) => showTrouble(detector, "detector", text, false), keepSoon);
const compare = new Compare(viewers, (id) => {
  const panel = forms.panel(id);
  if (shown.second === panel) return;
  if (shown.second) connection.stop("second");
  shown.second = panel;
  if (panel) changed(panel, false);
  forms.mark(active, shown);
  placeHandles();
}, keepSoon);

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  /** @param {string} name */
  const data = (name) => /** @type {?HTMLElement} */ (target.closest(`[data-${name}]`));
  const item = data("panel");
  if (item) show(forms.panel(item.dataset.panel ?? ""));
  const kind = data("save");
  if (kind && active) save(kind.dataset.save ?? "npy");
  if (data("beam") && active) forms.findBeam(scan, active).catch((error) => status.failed(active, error.message));
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

connectDialogs(scan, () => active, keep);
connectKeys({
  open: () => (location.href = String(address("open"))),
  code: () => openDialog("code", scan, () => active, keep),
  keys: () => openDialog("keys", scan, () => active, keep),
  save: savePicture, stop,
  transform: () => compare.toggle(active && laneOf(active) === "detector" ? "detector" : "scan"),
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
compare.restore(look.compare);
follow.restore(Boolean(look.follow));
toolbars.choose("detector", "pan");
toolbars.choose("scan", "pick");
toolbars.colour(picture.closest(".one") ? "detector" : "scan");
addEventListener("pagehide", () => connection.end());
