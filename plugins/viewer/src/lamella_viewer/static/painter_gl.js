/** Draws with WebGL2: numbers become colours on the graphics card, so a new range costs no more than one drawing. */

import { colourTable } from "./maps.js";
import { FRAGMENT, VERTEX } from "./shaders.js";

/** @typedef {import("./types.js").Canvas} Canvas */
/** @typedef {import("./types.js").Drawable} Drawable */
/** @typedef {import("./types.js").Look} Look */
/** @typedef {import("./types.js").Painter} Painter */

const UNIFORMS = ["Values", "Table", "Size", "Height", "Origin", "Step", "Kind", "Scale", "Range", "Gamma", "Equal"];
/** Programs that do the work of a graphics card. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;
const SHADER_KINDS = { image: 0, field: 1, rgba: 2 };
const SHADER_SCALES = { linear: 0, log: 1, gamma: 2 };

/** @implements {Painter} */
export class GraphicsPainter {
  name = "webgl2";
  lost = false;
  /** @type {Drawable | null} */
  #loaded = null;
  #table = "";
  /** @type {Record<string, WebGLUniformLocation | null>} */
  #at = {};

  /**
   * Throws an `Error` where the browser or the graphics card do not have it.
   *
   * @param {boolean} always Also where a processor does the work of a graphics card, which is slower than a canvas.
   */
  constructor(always) {
    this.canvas = document.createElement("canvas");
    const gl = this.canvas.getContext("webgl2", {
      antialias: false,
      depth: false,
      failIfMajorPerformanceCaveat: !always,
    });
    if (!gl) throw new Error("there is no WebGL2");
    if (!always && SOFTWARE.test(cardName(gl))) throw new Error("there is no graphics card");
    this.gl = gl;
    this.canvas.addEventListener("webglcontextlost", () => {
      this.lost = true;
    });
    this.most = gl.getParameter(gl.MAX_TEXTURE_SIZE);
    const program = linked(gl);
    gl.useProgram(program);
    for (const name of UNIFORMS) this.#at[name] = gl.getUniformLocation(program, `u${name}`);
    gl.bindVertexArray(gl.createVertexArray());
    gl.uniform1i(this.#at.Values, 0);
    gl.uniform1i(this.#at.Table, 1);
    for (const unit of [0, 1]) {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
        gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
      }
      for (const edge of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
        gl.texParameteri(gl.TEXTURE_2D, edge, gl.CLAMP_TO_EDGE);
      }
    }
  }

  /**
   * Whether the graphics card can hold so many pixels.
   *
   * @param {Drawable} drawable
   */
  holds({ kind, width, height }) {
    return width <= this.most && height * (kind === "field" ? 2 : 1) <= this.most;
  }

  /** @param {Drawable} drawable */
  load(drawable) {
    const { gl } = this;
    const { kind, width, values } = drawable;
    const rows = drawable.height * (kind === "field" ? 2 : 1);
    gl.activeTexture(gl.TEXTURE0);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
    if (kind === "rgba") gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, values);
    else gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, width, rows, 0, gl.RED, gl.FLOAT, values);
    this.#loaded = drawable;
  }

  /**
   * @param {Canvas} where
   * @param {Look} look
   */
  draw(where, look) {
    const { gl, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const drawable = this.#loaded;
    if (!drawable) return;
    const [top, left, bottom, right] = where.clip;
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(left, canvas.height - bottom, right - left, bottom - top);
    this.#useTable(look.colours);
    const [low, high] = look.range;
    const shifted = drawable.base !== 0;
    gl.uniform2i(this.#at.Size, drawable.width, drawable.height);
    gl.uniform1f(this.#at.Height, canvas.height);
    gl.uniform2f(this.#at.Origin, where.originX, where.originY);
    gl.uniform2f(this.#at.Step, where.stepX, where.stepY);
    gl.uniform1i(this.#at.Kind, SHADER_KINDS[drawable.kind]);
    // Where a base was taken away, numbers differ so little that a logarithm is a straight line.
    gl.uniform1i(this.#at.Scale, shifted && look.scale === "log" ? 0 : SHADER_SCALES[look.scale]);
    gl.uniform2f(this.#at.Range, low - drawable.base, high - drawable.base);
    gl.uniform1f(this.#at.Gamma, look.gamma);
    gl.uniform1f(this.#at.Equal, low < 0 ? 0.5 : 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.disable(gl.SCISSOR_TEST);
  }

  /** @param {string} name */
  #useTable(name) {
    if (name === this.#table) return;
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, colourTable(name));
    this.#table = name;
  }

  close() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/**
 * Gives what draws; some browsers tell it by an extension only.
 *
 * @param {WebGL2RenderingContext} gl
 */
function cardName(gl) {
  const plain = String(gl.getParameter(gl.RENDERER));
  const told = plain.includes("WebKit") ? gl.getExtension("WEBGL_debug_renderer_info") : null;
  return told ? String(gl.getParameter(told.UNMASKED_RENDERER_WEBGL)) : plain;
}

/** @param {WebGL2RenderingContext} gl */
function linked(gl) {
  const program = gl.createProgram();
  for (const [type, source] of /** @type {[number, string][]} */ ([
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ])) {
    const shader = gl.createShader(type);
    if (!shader) throw new Error("the graphics card gives no shader");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? "no shader");
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "no program");
  return program;
}
