/** How the elements look; pages change it by custom properties `--lamella-…`. */

const COLOURS = `
:host {
  --bg: var(--lamella-bg, light-dark(#f4f5f7, #101317));
  --panel: var(--lamella-panel, light-dark(#ffffff, #181c22));
  --line: var(--lamella-line, light-dark(#d5d9df, #2b313a));
  --edge: var(--lamella-field, light-dark(#7d8794, #667180));
  --fg: var(--lamella-fg, light-dark(#1a1f26, #e9ecf0));
  --soft: var(--lamella-soft, light-dark(#525c69, #a3adb9));
  --accent: var(--lamella-accent, light-dark(#0b63c5, #6fb3ff));
  --hand: var(--lamella-hand, #ffb000);
  --guide: var(--lamella-guide, light-dark(#a86d00, #ffb000));
  --ok: var(--lamella-ok, light-dark(#0f7a3d, #5fd08b));
  --warn: var(--lamella-warn, light-dark(#8a5300, #f2b45c));
  --ground: var(--lamella-ground, #000000);
  color: var(--fg);
  font: 14px/1.4 Inter, system-ui, sans-serif;
  font-variant-numeric: tabular-nums;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (forced-colors: active) {
  :host {
    --bg: Canvas; --panel: Canvas; --line: CanvasText; --edge: CanvasText; --fg: CanvasText; --soft: CanvasText;
    --accent: Highlight; --ok: CanvasText; --warn: CanvasText;
  }
}`;

const VIEWER = `
:host {
  display: grid; grid-template: minmax(0, 1fr) auto / minmax(0, 1fr) auto;
  background: var(--panel); min-width: 0; min-height: 0; overflow: hidden; position: relative; contain: layout paint; container-type: inline-size;
}
.pane {
  position: relative; grid-area: 1 / 1; min-width: 0; min-height: 0; overflow: hidden; background: var(--ground);
  touch-action: none; user-select: none; -webkit-user-select: none; cursor: crosshair;
}
.pane[data-tool="pan"], .pane[data-tool="none"] { cursor: grab; }
.pane[data-tool="none"] { cursor: default; }
.pane[data-over="outline"] { cursor: move; }
.pane[data-drag="pan"] { cursor: grabbing; }
.pane canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.pane canvas:focus-visible { outline-offset: -3px; }
svg { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; overflow: hidden; }
path { fill: none; stroke: var(--hand); stroke-width: 1.75; }
path.rim { stroke: rgb(0 0 0 / 0.72); stroke-width: 4; }
path.dashed { stroke-dasharray: 7 4; }
.knobs { position: absolute; inset: 0; overflow: hidden; pointer-events: none; }
.knob {
  position: absolute; top: -12px; left: -12px; width: 24px; height: 24px; border-radius: 50%; pointer-events: auto;
  cursor: move; outline-offset: -4px;
}
.knob.dot::after {
  content: ""; position: absolute; inset: 6.5px; border-radius: 50%; background: var(--hand);
  border: 1.5px solid rgb(0 0 0 / 0.8);
}
.knob.dot:hover::after { inset: 5px; }
.knob:focus-visible { outline: 2px solid #fff; box-shadow: 0 0 0 2px #000; outline-offset: -2px; }
.bar {
  position: absolute; pointer-events: none; color: #fff; font-size: 14px; line-height: 1; text-align: center;
  text-shadow: 1px 0 1px #000, -1px 0 1px #000, 0 1px 1px #000, 0 -1px 1px #000, 0 0 4px #000; white-space: nowrap; forced-color-adjust: none;
}
.bar::after { content: ""; display: block; height: 4px; margin-top: 5px; background: #fff; box-shadow: 0 0 0 1.5px rgb(0 0 0 / 0.75); }
.bar span { display: inline-block; min-width: 100%; }
.note {
  position: absolute; inset: 0; display: grid; place-items: center; padding: 16px; text-align: center; color: #c3cad3;
  pointer-events: none;
}
.busy {
  position: absolute; top: 10px; left: 10px; padding: 2px 10px; border-radius: 99px; font-size: 12.5px;
  background: rgb(0 0 0 / 0.72); color: #fff; pointer-events: none;
}
.number {
  position: absolute; inset: 0; display: grid; place-content: center; text-align: center; background: var(--panel);
  font-size: 34px; font-weight: 600;
}
.number small { font-size: 14px; font-weight: 400; color: var(--soft); }
.legend { grid-area: 1 / 2; width: 66px; padding: 14px 0 14px 10px; font-size: 12px; color: var(--soft); position: relative; }
.legend .scale { position: relative; height: calc(100% - 16px); max-height: 260px; margin: 8px 0; }
.legend .scale canvas { width: 10px; height: 100%; display: block; border: 1px solid var(--edge); }
.legend .tick { position: absolute; left: 15px; transform: translateY(50%); line-height: 1; white-space: nowrap; }
.legend .tick::before { content: ""; position: absolute; left: -5px; top: 50%; width: 3px; height: 1px; background: var(--edge); }
.legend .unit { position: absolute; top: 4px; left: 10px; right: 2px; line-height: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.legend .unit:not(:empty) + .scale { margin-top: 18px; height: calc(100% - 26px); }
.legend .wheel { width: 46px; height: 46px; display: block; border-radius: 50%; }
.legend p { margin: 6px 0 0; line-height: 1.25; }
.status {
  grid-area: 2 / 1 / 3 / 3; display: flex; gap: 14px; align-items: center; height: 30px; padding: 0 10px; font-size: 12.5px;
  color: var(--soft); white-space: nowrap; overflow: hidden; border-top: 1px solid var(--line);
}
.status > span { flex: none; }
.status .region { flex: 0 1 auto; min-width: 0; overflow: hidden; text-overflow: ellipsis; }
.status span:empty:not(.grow) { display: none; }
.status .grow { flex: 1 0 0; min-width: 0; }
@container (max-width: 380px) { .status .pixel, .status .scale { display: none; } }
@container (max-width: 260px) { .status .region, .status .place { display: none; } }
.status .value { color: var(--fg); flex: 0 1 auto; min-width: 0; overflow: hidden; text-overflow: ellipsis; }
.chip { flex: none; border: 1px solid currentColor; border-radius: 99px; padding: 0 8px; font-size: 12px; line-height: 18px; }
.chip.ok { color: var(--ok); }
.chip.warn { color: var(--warn); }
.plot { grid-area: 1 / 1 / 2 / 3; position: relative; min-height: 0; min-width: 0; overflow: hidden; }
.plot .u-wrap { position: relative; user-select: none; }
.plot .u-over, .plot .u-under, .plot .u-axis { position: absolute; }
.plot .u-under { overflow: hidden; }
.plot canvas { display: block; width: 100%; height: 100%; }
.plot .u-select { background: color-mix(in srgb, var(--accent) 22%, transparent); position: absolute; pointer-events: none; }
.plot .u-cursor-x, .plot .u-cursor-y { position: absolute; left: 0; top: 0; pointer-events: none; will-change: transform; }
.plot .u-cursor-x { height: 100%; border-right: 1px dashed var(--soft); }
.plot .u-cursor-y { width: 100%; border-bottom: 1px dashed var(--soft); }
.plot .u-cursor-pt { position: absolute; top: 0; left: 0; border-radius: 50%; pointer-events: none; will-change: transform; }
.plot .u-off { display: none; }
.probe { position: absolute; background: var(--panel); color: var(--soft); border-color: var(--line); outline-color: var(--accent); column-rule-color: var(--guide); visibility: hidden; transition: color 1ms; }
@media (forced-colors: active) {
  .knob.dot::after { background: Highlight; border-color: Canvas; forced-color-adjust: none; }
  path { forced-color-adjust: none; stroke: Highlight; }
  path.rim { stroke: Canvas; }
}`;

const PANEL = `
:host { display: block; }
.panel { display: grid; gap: 8px; }
.histogram { position: relative; height: 64px; touch-action: none; }
.histogram svg { width: 100%; height: 100%; display: block; border-bottom: 1px solid var(--edge); }
.histogram path { fill: color-mix(in srgb, var(--accent) 38%, transparent); stroke: none; }
.edge { position: absolute; top: 0; bottom: -4px; width: 24px; margin-left: -12px; cursor: ew-resize; }
.edge::before { content: ""; position: absolute; inset: 0 11px; background: var(--hand); opacity: 0.95; }
.edge::after {
  content: ""; position: absolute; left: 7px; bottom: -4px; width: 10px; height: 10px; border-radius: 50%;
  background: var(--hand); border: 1.5px solid rgb(0 0 0 / 0.8);
}
.ends { display: flex; justify-content: space-between; font-size: 12.5px; color: var(--soft); margin-top: 4px; }
label { display: grid; grid-template-columns: 92px 1fr; align-items: center; gap: 8px; }
select, button, input {
  font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--edge); border-radius: 6px; min-height: 28px;
  padding: 2px 8px; width: 100%; min-width: 0;
}
input[type="range"] { padding: 0; accent-color: var(--accent); }
button { width: auto; background: transparent; border-color: var(--line); padding: 3px 10px; cursor: pointer; }
button[aria-pressed="true"] { border-color: var(--accent); color: var(--accent); }
.row { display: flex; gap: 6px; flex-wrap: wrap; }
@media (forced-colors: active) { .edge::before, .edge::after { background: Highlight; forced-color-adjust: none; } }`;

/** @param {string} text */
function sheetOf(text) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
}

/** @type {Map<string, CSSStyleSheet[]>} */
const sheets = new Map();

/**
 * Gives the style sheets of an element; all elements of a kind share them.
 *
 * @param {"viewer" | "panel"} kind
 */
export function styleSheets(kind) {
  let made = sheets.get(kind);
  if (!made) {
    made = [sheetOf(COLOURS), sheetOf(kind === "viewer" ? VIEWER : PANEL)];
    sheets.set(kind, made);
  }
  return made;
}
