/** A picture with its title, scale bar and colour bar as a PNG, for a talk or a notebook. */

import { barTicks, paintBar, paintWheel, scaleBar } from "./furniture.js";
import { unitText, withUnit } from "./numbers.js";

/** @typedef {import("./geometry.js").View} View */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./types.js").Header} Header */
/** @typedef {import("./types.js").Look} Look */

const HEAD = 36;
const EDGE = 12;
const LEGEND = 84;
const HIGHEST = 260;
const PAPER_FONT = "Inter, system-ui, sans-serif";

/**
 * Gives what is visible as a PNG: on white paper, a curve in the colours of the page.
 *
 * @param {Scene} scene
 * @param {number} scale Pixels of the file for each pixel on the screen.
 * @returns {Promise<Blob>}
 */
export function pictureBlob(scene, scale) {
  const { frame, label } = scene;
  if (!frame || frame.header.kind === "number") return Promise.reject(new Error("there is no picture to save"));
  scene.draw();
  const { header } = frame;
  const curve = header.kind === "curve";
  const [top, left, bottom, right] = curve ? [0, 0, ...scene.plot.size] : visibleEdges(scene.view);
  const [height, width] = [bottom - top, right - left];
  const beside = header.kind === "image" || header.kind === "field" ? LEGEND : EDGE;
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil((EDGE + width + beside) * scale);
  canvas.height = Math.ceil((HEAD + height + EDGE) * scale);
  const paper = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const [ground, ink] = curve ? scene.plot.colours : ["#ffffff", "#15181d"];
  paper.fillStyle = ground;
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.scale(scale, scale);
  paper.fillStyle = ink;
  paper.font = `600 15px ${PAPER_FONT}`;
  const title = [label, header.title === label ? "" : header.title].filter(Boolean).join(", ");
  paper.fillText(title, EDGE, 24, width + beside - EDGE);
  paper.translate(EDGE, HEAD);
  paper.imageSmoothingEnabled = false;
  if (curve) {
    paper.drawImage(scene.plot.canvas, 0, 0, width, height);
  } else {
    scene.screen.draw(frame, scene.view, scene.look, scale);
    const part = [left, top, width, height].map((n) => n * scale);
    paper.drawImage(scene.screen.canvas, part[0], part[1], part[2], part[3], 0, 0, width, height);
    drawBarOn(paper, scene, top, left, height);
    if (beside === LEGEND) drawLegendOn(paper, header, scene.look, width, height);
    scene.draw();
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser gives no PNG"))), "image/png");
  });
}

/**
 * Gives the edges of what is visible of a picture [CSS px]: top, left, bottom, right.
 *
 * @param {View} view
 */
function visibleEdges(view) {
  const [top, left] = view.toScreen(-0.5, -0.5);
  const [bottom, right] = view.toScreen(view.size[0] - 0.5, view.size[1] - 0.5);
  return [Math.max(0, top), Math.max(0, left), Math.min(view.pane[0], bottom), Math.min(view.pane[1], right)];
}

/**
 * @param {CanvasRenderingContext2D} paper
 * @param {Scene} scene
 * @param {number} top
 * @param {number} left
 * @param {number} height
 */
function drawBarOn(paper, { frame, view }, top, left, height) {
  const bar = scaleBar(view, frame?.header.axes);
  if (!bar) return;
  const x = bar.left - left;
  const y = height - (bar.bottom - (view.pane[0] - top - height)) - 4;
  paper.save();
  paper.fillStyle = "rgb(0 0 0 / 0.6)";
  paper.fillRect(x - 1, y - 1, bar.width + 2, 6);
  paper.font = `14px ${PAPER_FONT}`;
  paper.textAlign = "center";
  paper.lineWidth = 3;
  paper.strokeStyle = "rgb(0 0 0 / 0.75)";
  paper.strokeText(bar.text, x + bar.width / 2, y - 6);
  paper.fillStyle = "#ffffff";
  paper.fillRect(x, y, bar.width, 4);
  paper.fillText(bar.text, x + bar.width / 2, y - 6);
  paper.restore();
}

/**
 * @param {CanvasRenderingContext2D} paper
 * @param {Header} header
 * @param {Look} look
 * @param {number} width
 * @param {number} height
 */
function drawLegendOn(paper, { kind, unit }, look, width, height) {
  const part = document.createElement("canvas");
  paper.font = `12px ${PAPER_FONT}`;
  paper.imageSmoothingEnabled = true;
  if (kind === "field") {
    paintWheel(part, 184);
    paper.drawImage(part, width + 14, 0, 46, 46);
    paper.fillText("edge", width + 14, 64);
    paper.fillText(withUnit(look.range[1], unit, 3), width + 14, 80);
    return;
  }
  part.width = 1;
  part.height = 256;
  paintBar(part, look.colours);
  const top = unit ? 18 : 4;
  const tall = Math.max(20, Math.min(HIGHEST, height - top - 4));
  paper.fillText(unitText(unit), width + 12, 10, LEGEND - 16);
  paper.drawImage(part, width + 12, top, 10, tall);
  paper.textBaseline = "middle";
  for (const { at, text } of barTicks(look)) paper.fillText(text, width + 27, top + (1 - at) * tall, LEGEND - 30);
}
