/** The line at the bottom: how exact the picture is, how many frames it shows, how fast it came, and what still runs. */

const SPOKEN = 2000;
const ANEW = "The server was started again: open the address that it prints, in any tab";

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class Status {
  /** @param {() => void} stop */
  constructor(stop) {
    this.stage = place("stage");
    this.button = place("stop");
    this.bar = /** @type {HTMLProgressElement} */ (document.getElementById("progress"));
    this.button.addEventListener("click", stop);
    this.spoken = 0;
    this.later = 0;
    /** @type {Object<string, any>} */ this.headers = {};
    this.lane = "scan";
  }

  /** A screen reader speaks at most once in two seconds; the last text always comes. @param {string} text  @param {string} kind */
  say(text, kind) {
    clearTimeout(this.later);
    const wait = Math.max(0, this.spoken + SPOKEN - Date.now());
    const write = () => {
      this.spoken = Date.now();
      this.stage.textContent = text;
    };
    this.stage.className = `chip ${kind}`;
    if (kind === "ok" || wait === 0) write();
    else this.later = setTimeout(write, Math.min(wait, 150));
  }

  /** @param {string} lane  @param {any} panel */
  show(lane, panel) {
    this.lane = lane;
    if (this.headers[lane]) this.frame(lane, panel, this.headers[lane]);
  }

  /** @param {string} lane  @param {any} panel  @param {any} header */
  frame(lane, panel, header) {
    this.headers[lane] = header;
    if (lane !== this.lane) return;
    const exact = header.stage === "exact";
    this.say(header.label, exact ? "ok" : "warn");
    place("frames").textContent = header.frames === undefined ? "" : `${header.frames.toLocaleString("en").replaceAll(",", "\u202f")} ${header.frames === 1 ? "frame" : "frames"}`;
    place("speed").textContent = `${header.took < 0.1 ? (header.took * 1000).toFixed(1) + " ms" : header.took.toFixed(2) + " s"}`;
    if (exact) this.quiet();
  }

  /** @param {any} panel  @param {any} message */
  progress(panel, message) {
    place("message").textContent = `${panel.title} ${Math.floor(100 * message.done)} %`;
    this.bar.hidden = this.button.hidden = message.done >= 1;
    this.bar.value = message.done;
  }

  /** @param {string} lane  @param {any} panel  @param {string} state */
  state(lane, panel, state) {
    if (["exact", "stopped", "failed"].includes(state)) this.quiet();
    if (state === "stopped" && lane === this.lane) place("message").textContent = `${panel.title}: stopped`;
  }

  quiet() {
    place("message").textContent = "";
    this.bar.hidden = this.button.hidden = true;
  }

  /** @param {any} panel  @param {string} text */
  failed(panel, text) {
    this.quiet();
    place("message").textContent = `${panel.title}: ${text}`;
    this.say("failed", "warn");
  }

  /** @param {string} link  @param {string} reason  @param {Object<string, any>} viewers */
  link(link, reason, viewers) {
    const text = link === "lost" ? "connection lost" : link === "locked" ? ANEW : link === "refused" ? reason : null;
    if (link !== "connecting") for (const viewer of Object.values(viewers)) viewer.busy = text;
    if (link === "open") this.say("connected", "ok");
    else if (link === "lost") this.say("connection lost, trying again", "warn");
    else if (link === "locked") this.say(ANEW, "warn");
    else if (link === "refused") this.say(reason || "refused", "warn");
  }
}
