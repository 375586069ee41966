// <broker-transcription>: what is said in a recording, as one text, or in segments with times and speakers.

import { Palette } from "./palette.js";
import { fresh, node } from "./parts.js";
import { Timed } from "./timed.js";
import { clock } from "./timeline.js";

const LONGEST = 100_000; // code units of a text

class Transcription extends Timed {
  medium = "audio";
  heading = "Write what is said";
  #text = null;

  draw() {
    this.marks = this.flag("segments");
    this.speakers = this.read("speakers", []).map(String);
    this.palette = new Palette([], { pick: () => null });
    this.help = [["Ctrl Space", "play and pause, also while you type"], ["Ctrl J", "two seconds back"], ["Arrows", "on the strip: move by a second, with Shift by a tenth"],
      ...(this.marks ? [["Ctrl M", "mark a start, then an end; or drag over the strip"], ["Ctrl Z, Ctrl Y", "outside a text: undo and redo"]] : [])];
    super.draw();
    this.palette.node.remove();
    if (!this.marks) this.#plain();
    this.answer = undefined;
  }

  #plain() {
    const id = fresh("text");
    this.#text = this.#area("", () => this.changed());
    this.#text.id = id;
    this.#text.rows = 5;
    this.field.after(node("div", { class: "field crowd-written" }, node("label", { htmlFor: id }, "Text"), this.#text));
    this.show();
  }

  #area(value, changed, name = null) {
    return node("textarea", { class: "input", dir: "auto", rows: 2, maxLength: LONGEST, value, lang: this.getAttribute("lang") ?? "", "aria-label": name, oninput: changed });
  }

  colour() { return "#1f77b4"; }

  stretch(start, end) { return { start, end, text: "", ...(this.speakers.length ? { speaker: this.speakers[0] } : {}) }; }

  /** A new segment is written at once. */
  add(start, end) {
    const at = super.add(start, end);
    this.list.querySelectorAll("textarea")[at]?.focus();
    return at;
  }

  row(segment, at) {
    const span = `${clock(segment.start)} to ${clock(segment.end)}`;
    const speaker = this.speakers.length ? node("select", { class: "input crowd-speed", "aria-label": `Speaker of ${at + 1}`, onchange: (event) => { segment.speaker = event.target.value; this.settle(); } },
      ...this.speakers.map((one) => node("option", { value: one, selected: one === segment.speaker }, one))) : "";
    const area = this.#area(segment.text, () => { segment.text = area.value; this.changed(); }, `Segment ${at + 1}, ${span}`);
    area.addEventListener("change", () => this.settle());
    return [node("div", { class: "crowd-stretch-head" }, this.bound(segment, "start", `Start of ${at + 1} in seconds`), this.bound(segment, "end", `End of ${at + 1} in seconds`), speaker, ...this.acts(segment, at)), area];
  }

  /** Rows keep what is being typed: a row is drawn anew only if its segment is another one. */
  show() {
    const at = [...this.list.querySelectorAll("textarea")].indexOf(document.activeElement);
    super.show();
    if (at >= 0) this.list.querySelectorAll("textarea")[at]?.focus();
  }

  get text() { return this.marks ? this.stretches.map(({ text }) => text.trim()).filter(Boolean).join(" ") : this.#text?.value.trim() ?? ""; }

  dump() { return { text: this.text, segments: this.stretches.map((one) => ({ ...one, text: one.text.trim() })) }; }

  parse(given) {
    const found = typeof given === "string" ? { text: given } : given;
    if (this.#text) this.#text.value = found?.text ?? "";
    const list = this.marks ? (Array.isArray(found) ? found : found?.segments ?? []) : [];
    return list.map(({ start, end, text, speaker }) => ({ ...this.stretch(start, end), text: String(text ?? ""), ...(this.speakers.includes(speaker) ? { speaker } : {}) }));
  }

  check(now) {
    if (!super.check(now)) return false;
    if (!this.text) return this.confirm("Nothing is written. Submit again if nothing can be understood.", now);
    const empty = this.stretches.filter(({ text }) => !text.trim()).length;
    return empty ? this.confirm(`${empty} of the segments have no text. Submit again if that is right.`, now) : true;
  }
}

export const tags = { "broker-transcription": Transcription };
