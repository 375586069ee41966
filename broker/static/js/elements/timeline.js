// A strip of time under a sound or a film: its loudness, what is marked on it, and where it plays; and the buttons to play and mark.

import { svg } from "./draw.js";
import { icon, node } from "./parts.js";

const WIDE = 1200; // how many peaks are drawn
const LARGEST = 40_000_000; // bytes of a file that is decoded here to draw its loudness
const SLACK = 4; // screen pixels a mouse may move within a click
const BACK = 2; // seconds
const FAR = 1e7; // seconds, behind the end of any recording
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

/** Seconds with at most three decimals. */
export const seconds = (time) => Math.round(time * 1000) / 1000;

/** 1:02.5 for people. */
export const clock = (time) => `${Math.floor(time / 60)}:${(time % 60).toFixed(1).padStart(4, "0")}`;

export class Timeline {
  #started = null; // where a mark began
  #until = null; // where playing ends by itself
  #press = null;

  /** `mark(start, end)` is called for what is marked on the strip; without it nothing can be marked. */
  constructor({ media, peaks, name, mark = null }) {
    Object.assign(this, { media, mark });
    this.wave = svg("path", { class: "crowd-wave" });
    this.spans = svg("g");
    this.head = svg("path", { class: "crowd-playhead", d: "M0 0V100" });
    this.picture = svg("svg", { viewBox: `0 0 ${WIDE} 100`, preserveAspectRatio: "none", "aria-hidden": "true" }, this.wave, this.spans, this.head);
    this.strip = node("div", { class: "crowd-strip", tabIndex: 0, role: "slider", dir: "ltr", "aria-label": name, "aria-valuemin": "0" });
    this.strip.append(this.picture);
    this.time = node("output", { class: "crowd-clock" });
    this.playing = node("button", { type: "button", "aria-label": "Play", onclick: () => this.toggle() }, icon("play"));
    this.marking = mark && node("button", { type: "button", class: "crowd-with-words", onclick: () => this.press() }, "Mark start");
    const speed = node("select", { class: "input crowd-speed", "aria-label": "Speed", onchange: () => { media.playbackRate = Number(speed.value); } }, ...SPEEDS.map((one) => node("option", { value: one, selected: one === 1 }, `${one}×`)));
    this.bar = node("div", { class: "crowd-bar" }, node("div", { class: "crowd-tools", role: "group", "aria-label": "Playing" }, this.playing,
      node("button", { type: "button", class: "crowd-with-words", "aria-label": `Back ${BACK} seconds`, onclick: () => this.back() }, `−${BACK} s`), this.marking, this.time), speed);
    this.#listen();
    this.#loudness(peaks);
  }

  get duration() { return Number.isFinite(this.media.duration) ? this.media.duration : 0; }

  #listen() {
    const { media, strip } = this;
    media.addEventListener("loadedmetadata", () => this.#measure());
    for (const name of ["loadedmetadata", "durationchange", "timeupdate", "seeked", "play", "pause", "ended"]) media.addEventListener(name, () => this.show());
    strip.addEventListener("keydown", (event) => this.#key(event));
    strip.addEventListener("pointerdown", (event) => { if (event.button === 0 && this.duration) this.#press = { at: this.#at(event), x: event.clientX, to: null }; });
    strip.addEventListener("pointermove", (event) => this.#move(event));
    strip.addEventListener("pointerup", (event) => this.#up(event));
    strip.addEventListener("pointercancel", () => { this.#press = null; this.show(); });
  }

  /** A recording made in a browser does not say how long it is until its end has been looked at. */
  #measure() {
    const { media } = this;
    if (media.duration !== Infinity) return;
    media.addEventListener("durationchange", () => { media.currentTime = 0; }, { once: true });
    media.currentTime = FAR;
  }

  #at(event) {
    const box = this.strip.getBoundingClientRect();
    return seconds(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.duration);
  }

  #move(event) {
    const press = this.#press;
    if (!press || !this.mark || (press.to === null && Math.abs(event.clientX - press.x) <= SLACK)) return;
    if (press.to === null) this.strip.setPointerCapture(event.pointerId);
    press.to = this.#at(event);
    this.show();
  }

  #up(event) {
    const press = this.#press;
    this.#press = null;
    if (!press) return;
    if (press.to === null) this.seek(this.#at(event));
    else this.#marked(press.at, press.to);
  }

  #marked(from, to) {
    const [start, end] = [from, to].toSorted((a, b) => a - b);
    if (end > start) this.mark(start, end);
    this.show();
  }

  // ---- playing ----

  seek(time) {
    this.#until = null;
    this.media.currentTime = Math.min(this.duration, Math.max(0, time));
    this.show();
  }

  toggle() {
    this.#until = null;
    if (this.media.paused) this.media.play().catch(() => null);
    else this.media.pause();
  }

  back() { this.seek(this.media.currentTime - BACK); }

  /** Play a stretch and stop at its end. */
  play(start, end) {
    this.seek(start);
    this.#until = end;
    this.media.play().catch(() => null);
  }

  /** The first press marks the start at the playhead, the second one the end. */
  press() {
    if (!this.mark || !this.duration) return;
    const now = seconds(this.media.currentTime);
    const from = this.#started;
    this.#started = from === null ? now : null;
    if (from !== null) this.#marked(from, now);
    this.show();
  }

  cancel() {
    if (this.#started === null) return false;
    this.#started = null;
    this.show();
    return true;
  }

  get started() { return this.#started !== null; }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = event.shiftKey ? 0.1 : 1;
    const now = this.media.currentTime;
    const to = { ArrowLeft: now - step, ArrowRight: now + step, ArrowDown: now - step, ArrowUp: now + step, Home: 0, End: this.duration, PageDown: now - 10, PageUp: now + 10 }[event.key];
    if (to !== undefined) this.seek(to);
    else if (event.key === " ") this.toggle();
    else if (event.key !== "Escape" || !this.cancel()) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- the picture ----

  /** Loudness as the template gives it, or from the file itself where it is small enough. */
  async #loudness(peaks) {
    const given = Array.isArray(peaks) ? peaks.map(Number).filter(Number.isFinite) : [];
    const all = given.length || this.media.localName !== "audio" ? given : await this.#decoded().catch(() => []);
    const step = WIDE / all.length;
    const height = (peak) => Math.max(1, Math.min(1, Math.abs(peak)) * 46);
    if (all.length) this.wave.setAttribute("d", all.map((peak, at) => `M${((at + 0.5) * step).toFixed(1)} ${(50 - height(peak)).toFixed(1)}V${(50 + height(peak)).toFixed(1)}`).join(""));
  }

  async #decoded() {
    const answer = await fetch(this.media.currentSrc || this.media.src);
    if (Number(answer.headers.get("content-length")) > LARGEST) return [];
    const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await answer.arrayBuffer());
    const samples = sound.getChannelData(0);
    const size = Math.max(1, Math.floor(samples.length / WIDE));
    return Array.from({ length: Math.min(WIDE, samples.length) }, (_, at) => samples.subarray(at * size, (at + 1) * size).reduce((most, one) => Math.max(most, Math.abs(one)), 0));
  }

  /** Show [{start, end, colour}] on the strip. */
  draw(spans) {
    this.shown = spans;
    this.show();
  }

  show() {
    const { media, duration } = this;
    if (this.#until !== null && media.currentTime >= this.#until) {
      this.#until = null;
      media.pause();
    }
    const x = (time) => (duration ? (time / duration) * WIDE : 0);
    const now = media.currentTime;
    const pending = this.#press?.to ? [{ start: this.#press.at, end: this.#press.to, colour: "#7f7f7f" }] : this.#started === null ? [] : [{ start: this.#started, end: now, colour: "#7f7f7f" }];
    this.spans.replaceChildren(...[...(this.shown ?? []), ...pending].map(({ start, end, colour }) => svg("rect", { x: x(Math.min(start, end)), width: Math.max(2, x(Math.abs(end - start))), y: 0, height: 100, fill: colour, stroke: colour, class: "crowd-stretch" })));
    this.head.setAttribute("d", `M${x(now)} 0V100`);
    this.time.value = `${clock(now)} / ${clock(duration)}`;
    this.strip.setAttribute("aria-valuemax", String(seconds(duration)));
    this.strip.setAttribute("aria-valuenow", String(seconds(now)));
    this.strip.setAttribute("aria-valuetext", `${clock(now)} of ${clock(duration)}`);
    this.playing.replaceChildren(icon(media.paused ? "play" : "pause"));
    this.playing.setAttribute("aria-label", media.paused ? "Play" : "Pause");
    if (this.marking) this.marking.textContent = this.started ? "Mark end" : "Mark start";
  }
}
