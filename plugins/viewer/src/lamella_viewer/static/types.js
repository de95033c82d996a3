/**
 * Shapes of what modules give each other; for readers and for the type checker.
 *
 * Places are written `{y, x}` and are indices: pixel `i` has its centre at `i` and reaches from `i - 0.5` to `i + 0.5`.
 *
 * @typedef {{name: string, scale: number, offset: number, unit?: string | null}} Axis
 *
 * @typedef {Float32Array | Float64Array | Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array} Numbers
 *
 * @typedef {object} Header What a frame says of itself; the Python module `live/pictures.py` makes it.
 * @property {"image" | "curve" | "field" | "rgba" | "number"} kind
 * @property {string} dtype
 * @property {number[]} shape Of the pixels that were sent.
 * @property {number[]} [size] Of the whole picture.
 * @property {number[]} [box] Part of the whole that the pixels cover: y0, x0, y1, x1.
 * @property {number[]} [step] Pixels of the whole along each axis that one pixel of a coarse grid stands for.
 * @property {Axis[]} [axes]
 * @property {string} [unit]
 * @property {string} [colours]
 * @property {string} [scale] "linear", "log" or "balanced" (linear, zero in the middle).
 * @property {(number | null)[]} [range]
 * @property {(number | null)[]} [percentiles]
 * @property {(number | null)[]} [extremes]
 * @property {{low: number, high: number, counts: number[]} | null} [histogram]
 * @property {string} [title]
 * @property {string} [desc]
 * @property {string} [stage]
 * @property {string} [label]
 * @property {number} [done]
 * @property {string} [lane]
 * @property {number} [id]
 * @property {"all" | "bits"} [validity]
 * @property {number} [deflate]
 * @property {{offset: number, step: number} | null} [quantised]
 *
 * @typedef {{header: Header, pixels: Numbers, valid: Uint8Array | null, shape: number[]}} Frame
 *
 * @typedef {{y: number, x: number}} Place
 *
 * @typedef {object} Settings What the user chose; null leaves it to the frame.
 * @property {string | null} colours
 * @property {[number, number] | null} range
 * @property {"linear" | "log" | "gamma" | null} scale
 * @property {number} gamma
 * @property {"header" | "percentiles" | "extremes"} auto
 *
 * @typedef {object} Look What is drawn.
 * @property {string} colours
 * @property {[number, number]} range
 * @property {"linear" | "log" | "gamma"} scale
 * @property {number} gamma
 *
 * @typedef {object} Drawable Pixels as a painter wants them; unknown ones are `UNKNOWN`.
 * @property {"image" | "field" | "rgba"} kind
 * @property {number} width
 * @property {number} height
 * @property {Float32Array | Uint8Array} values Rows from the top; of a field first all y, then all x components.
 * @property {number} base What was taken away from the values, so that differences are kept in 32 bits.
 * @property {number[]} extent Edges on the whole picture: top, left, bottom, right; the first pixel begins at 0.
 *
 * @typedef {object} Canvas Where a painter draws.
 * @property {number} originY Row of the drawable at the upper edge of the canvas, as a fraction.
 * @property {number} originX
 * @property {number} stepY Rows per pixel of the canvas.
 * @property {number} stepX
 * @property {number[]} clip Part of the canvas to draw to: top, left, bottom, right.
 *
 * @typedef {object} Painter
 * @property {HTMLCanvasElement} canvas
 * @property {string} name
 * @property {boolean} lost
 * @property {(drawable: Drawable) => boolean} holds Whether it can draw so many pixels.
 * @property {(drawable: Drawable) => void} load
 * @property {(where: Canvas, look: Look) => void} draw
 * @property {() => void} close
 *
 * @typedef {object} Knob A place that can be moved.
 * @property {string} key Stays the same as long as it is the same thing.
 * @property {string} label
 * @property {string} text Its numbers, with units.
 * @property {number} y
 * @property {number} x
 * @property {number} now Number for `aria-valuenow`.
 * @property {number} [min]
 * @property {number} [max]
 * @property {"dot" | "cross"} [look]
 * @property {Place[]} [others] Places that mean the same, if the first one is not visible.
 *
 * @typedef {object} Shape An outline.
 * @property {"circle" | "rect" | "polygon" | "line" | "cross"} kind
 * @property {number[]} at circle: y, x, radius; rect: top, left, bottom, right; line: y0, x0, y1, x1; polygon: y, x, y, x, …
 * @property {boolean} [dashed]
 * @property {string} [key] The knob that moves when the outline is dragged.
 *
 * @typedef {object} HandleNumber
 * @property {string} name
 * @property {number} value
 * @property {string} [label]
 * @property {number} [min]
 *
 * @typedef {object} Handle
 * @property {string} id
 * @property {string} label
 * @property {HandleNumber | null} [y]
 * @property {HandleNumber | null} [x]
 * @property {HandleNumber[]} [radii] From the inner to the outer one.
 * @property {HandleNumber | null} [angle] In degrees, from x towards y.
 * @property {Place} [centre] Where there is neither y nor x.
 * @property {number[]} [limits] Least y and x, largest y and x.
 * @property {boolean} [readonly]
 *
 * @typedef {{kind: string, points?: number[][], [name: string]: any}} Region The JSON of `live/regions.py`.
 *
 * @typedef {{y0: number, x0: number, y1: number, x1: number}} Line
 */
export {};
