/** Binary frames: `u32 length | JSON header | spaces up to 8 bytes | pixels | validity bits`; see `live/frames.py`. */

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Header} Header */
/** @typedef {import("./types.js").Numbers} Numbers */

/** @type {Record<string, new (buffer: ArrayBuffer, offset?: number, length?: number) => Numbers>} */
const ARRAYS = {
  f4: Float32Array,
  f8: Float64Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
};
const KINDS = ["image", "curve", "field", "rgba", "number"];
const LARGEST_HEADER = 1 << 20;
const MOST_PIXELS = 1 << 28;

/** What is wrong with a frame. */
export class FrameError extends Error {
  name = "FrameError";
}

/**
 * Gives the header of a frame.
 *
 * @param {ArrayBuffer} data
 * @returns {Header}
 */
export function frameHeader(data) {
  return opened(data).header;
}

/**
 * Gives header, pixels and known pixels of a frame. Pixels that were sent as small integers become numbers again.
 *
 * @param {ArrayBuffer} data
 * @returns {Promise<Frame>}
 */
export async function decodeFrame(data) {
  const { header, start } = opened(data);
  const make = ARRAYS[header.dtype];
  const size = make.prototype.BYTES_PER_ELEMENT;
  const { shape } = header;
  const count = product(shape);
  const packed = header.deflate || 0;
  if (!Number.isInteger(packed) || packed < 0) throw new FrameError("the size of compressed pixels is no whole number");
  let body = data;
  let at = start;
  const rest = start + (packed || count * size);
  if (rest > data.byteLength) throw new FrameError(`${count} pixels do not fit into a frame of ${data.byteLength} bytes`);
  if (packed) {
    body = await inflated(new Uint8Array(data, start, packed), count * size);
    at = 0;
  }
  const sent = new make(body, at, count);
  const valid = header.validity === "bits" ? unpacked(data, rest, knownShape(header)) : null;
  return { header, pixels: header.quantised ? restored(sent, header.quantised) : sent, valid, shape };
}

/**
 * @param {ArrayBuffer} data
 * @returns {{header: Header, start: number}}
 */
function opened(data) {
  if (!(data instanceof ArrayBuffer) || data.byteLength < 8) throw new FrameError("a frame has at least 8 bytes");
  const length = new DataView(data).getUint32(0, true);
  if (length > LARGEST_HEADER || length > data.byteLength - 4 || (4 + length) % 8) {
    throw new FrameError(`a header of ${length} bytes does not fit into a frame of ${data.byteLength} bytes`);
  }
  /** @type {Header} */
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(data, 4, length)));
  } catch {
    throw new FrameError("the header of a frame is not JSON");
  }
  if (header === null || typeof header !== "object") throw new FrameError("the header of a frame is no object");
  if (!Object.hasOwn(ARRAYS, header.dtype)) throw new FrameError(`unknown type of pixels ${header.dtype}`);
  if (!KINDS.includes(header.kind)) throw new FrameError(`unknown kind of frame ${header.kind}`);
  checkShape(header);
  return { header, start: 4 + length };
}

/** @param {Header} header */
function checkShape({ kind, shape }) {
  const whole = Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && n >= 0 && n <= MOST_PIXELS);
  if (!whole || product(shape) > MOST_PIXELS) throw new FrameError("the shape of a frame is a list of sizes");
  const fits = {
    image: shape.length === 2,
    field: shape.length === 3 && shape[0] === 2,
    rgba: shape.length === 3 && (shape[2] === 3 || shape[2] === 4),
    curve: shape.length === 1 || shape.length === 2,
    number: product(shape) <= 1,
  };
  if (!fits[kind]) throw new FrameError(`a frame of kind ${kind} cannot have the shape ${shape.join(" × ")}`);
}

/** @param {number[]} shape */
function product(shape) {
  return shape.reduce((total, n) => total * n, 1);
}

/**
 * Shape of what is known or not: pixels of a picture, points of a curve.
 *
 * @param {Header} header
 */
function knownShape({ kind, shape }) {
  if (kind === "curve") return shape.slice(-1);
  return kind === "rgba" ? shape.slice(0, 2) : shape.slice(-2);
}

/**
 * @param {Uint8Array} packed
 * @param {number} length
 * @returns {Promise<ArrayBuffer>}
 */
async function inflated(packed, length) {
  const stream = new Blob([/** @type {BlobPart} */ (packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const out = new Uint8Array(length);
  const reader = stream.getReader();
  let at = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (at + value.length > length) throw new FrameError("compressed pixels are longer than they say");
      out.set(value, at);
      at += value.length;
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    throw error instanceof FrameError ? error : new FrameError("compressed pixels are damaged");
  }
  if (at < length) throw new FrameError("compressed pixels are shorter than they say");
  return out.buffer;
}

/**
 * @param {ArrayBuffer} data
 * @param {number} start
 * @param {number[]} shape
 */
function unpacked(data, start, shape) {
  const count = product(shape);
  if (start + Math.ceil(count / 8) > data.byteLength) throw new FrameError("the frame ends within its validity bits");
  const bits = new Uint8Array(data, start);
  const valid = new Uint8Array(count);
  for (let i = 0; i < count; i++) valid[i] = (bits[i >> 3] >> (i & 7)) & 1;
  return valid;
}

/**
 * @param {Numbers} sent
 * @param {{offset: number, step: number}} how
 */
function restored(sent, { offset, step }) {
  if (!Number.isFinite(offset) || !Number.isFinite(step)) throw new FrameError("offset and step are numbers");
  const numbers = new Float32Array(sent.length);
  for (let i = 0; i < sent.length; i++) numbers[i] = offset + step * sent[i];
  return numbers;
}
