/** The websocket to the lanes of one data set: asks, takes frames, says when they are drawn, and comes back when it is cut. */
import { decodeFrame } from "../viewer/frames.js";

const DELAYS = [200, 400, 800, 1600, 3200, 5000];
const OPENED_AGAIN = 4410; // with other frames, perhaps

/**
 * @typedef {{analysis: string, parameters: Object<string, any>, region: any, channel: ?string, slice?: number[]}} Wish
 * @typedef {{frame: (lane: string, frame: any) => Promise<any>, message: (message: any) => void, link: (state: string, reason: string) => void}} Listener
 */

export class Connection {
  /** @param {URL} address  @param {Listener} listener */
  constructor(address, listener) {
    this.address = address;
    this.listener = listener;
    this.number = 0;
    this.tries = 0;
    /** @type {Map<string, Wish>} what each lane shows or waits for */
    this.wishes = new Map();
    /** @type {Map<string, number>} */
    this.seen = new Map();
    this.ended = false;
    this.refused = false;
    this.connect();
  }

  connect() {
    this.listener.link("connecting", "");
    const socket = new WebSocket(this.address, "lamella.1");
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.tries = 0;
      this.listener.link("open", "");
      const most = Math.max(64, Math.ceil(Math.max(screen.width, screen.height) * devicePixelRatio));
      this.send({ type: "hello", version: 1, pixels: [most, most], seen: Object.fromEntries(this.seen) });
      for (const [lane, wish] of this.wishes) this.ask(lane, wish, false);
    };
    socket.onmessage = (event) => (typeof event.data === "string" ? this.listener.message(JSON.parse(event.data)) : this.take(event.data));
    socket.onclose = (event) => {
      if (this.ended) return;
      if (event.code === OPENED_AGAIN) return location.reload();
      const final = event.code >= 4400 && event.code < 4500;
      this.refused = final;
      this.listener.link(final ? "refused" : "lost", event.reason);
      const delay = DELAYS[Math.min(this.tries++, DELAYS.length - 1)];
      if (!final && this.tries > 2) this.askWhy();
      if (!final) setTimeout(() => this.connect(), delay);
    };
  }

  /** A page that the server does not know any more is told so; it connects as soon as the browser is let in again. */
  async askWhy() {
    const { status } = await fetch(location.href).catch(() => ({ status: 0 }));
    if (status === 401 && this.socket?.readyState !== WebSocket.OPEN) this.listener.link("locked", "");
  }

  /** @param {any} message */
  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** @param {string} lane  @param {Wish} wish  @param {boolean} live */
  ask(lane, wish, live) {
    this.wishes.set(lane, wish);
    this.number += 1;
    this.send({ type: "ask", lane, id: this.number, live, ...wish });
    return this.number;
  }

  /** @param {string} lane */
  stop(lane) {
    this.send({ type: "stop", lane });
  }

  /** @param {string} lane  @param {number[]} box  @param {number[]} size */
  view(lane, box, size) {
    this.send({ type: "view", lane, box, size });
  }

  /** @param {ArrayBuffer} data */
  async take(data) {
    try {
      const frame = await decodeFrame(data);
      const { lane = "", id = 0 } = frame.header;
      if (id >= (this.seen.get(lane) ?? 0)) {
        this.seen.set(lane, id);
        await this.listener.frame(lane, frame);
      }
    } finally {
      this.send({ type: "ack", bytes: data.byteLength });
    }
  }

  end() {
    this.ended = true;
    this.socket?.close();
  }
}
