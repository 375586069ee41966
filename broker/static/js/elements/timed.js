// The base of what is marked in time: a sound or film with its strip, the stretches that were marked, undo and redo.

import { frame } from "./frame.js";
import { node, pictured } from "./parts.js";
import { Timeline, seconds } from "./timeline.js";
import { Undoable } from "./undoable.js";

/** A subclass has medium, marks, heading, help, palette, row(stretch, at), stretch(start, end), parse(given), dump() and colour(stretch). */
export class Timed extends Undoable {
  stretches = [];

  draw() {
    const name = this.getAttribute("header") || this.heading;
    this.media = node(this.medium, { src: this.getAttribute("src") ?? "", preload: "auto", onerror: () => this.complain("This file could not be loaded.") });
    Object.assign(this, frame(this, { name, how: "How to mark", help: this.help, listed: "What is marked" }));
    this.timeline = new Timeline({ media: this.media, peaks: this.read("peaks", null), name: "Position", mark: this.marks ? (start, end) => this.add(start, end) : null });
    this.erasing.remove();
    this.field.prepend(this.timeline.bar);
    if (this.medium === "video") this.field.prepend(this.media);
    this.timeline.bar.after(this.timeline.strip);
    this.field.append(this.media.isConnected ? "" : this.media);
    if (this.marks) this.timeline.bar.firstChild.after(this.tools);
    this.bar.remove();
    this.list.classList.add("crowd-stretches");
    this.field.after(this.list);
    this.addEventListener("keydown", (event) => this.#chord(event));
    this.answer = undefined;
  }

  vanish() {
    super.vanish();
    this.media?.pause();
  }

  focus(options) { this.timeline?.strip.focus(options); }

  press(key) {
    if (this.palette.press(key)) return true;
    if (key === "m" && this.marks) this.timeline.press();
    else if (key !== "escape" || !this.timeline.cancel()) return false;
    return true;
  }

  /** With Ctrl, also while a text is typed: Space plays, J goes back, M marks. */
  #chord(event) {
    if (!event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const act = { Space: () => this.timeline.toggle(), KeyJ: () => this.timeline.back(), KeyM: () => this.timeline.press() }[event.code];
    if (!act) return;
    event.preventDefault();
    act();
  }

  add(start, end) {
    const made = this.stretch(start, end);
    this.stretches.push(made);
    this.settle();
    return this.stretches.indexOf(made);
  }

  /** What was changed by the worker is put in order, kept and shown. */
  settle() {
    this.stretches.sort((one, other) => one.start - other.start || one.end - other.end);
    this.show();
    this.commit();
  }

  /** A number field for one end of a stretch. */
  bound(stretch, side, name) {
    return node("input", {
      type: "number", class: "input crowd-bound", step: "0.1", min: 0, value: stretch[side], "aria-label": name,
      onchange: (event) => {
        const time = seconds(Number(event.target.value));
        const next = { ...stretch, [side]: time };
        if (event.target.value === "" || time < 0 || next.start >= next.end || (this.timeline.duration && next.end > this.timeline.duration + 0.001)) {
          event.target.value = stretch[side];
          this.complain("The start must come before the end, and both lie within the recording.");
          return;
        }
        stretch[side] = time;
        this.settle();
      },
    });
  }

  /** The buttons that every stretch has. */
  acts(stretch, at) {
    return [
      pictured("play", `Play ${at + 1}`, () => this.timeline.play(stretch.start, stretch.end), "crowd-item-delete"),
      pictured("trash", `Delete ${at + 1}`, () => { this.stretches.splice(this.stretches.indexOf(stretch), 1); this.settle(); this.focus(); }, "crowd-item-delete"),
    ];
  }

  show() {
    this.list.replaceChildren(...this.stretches.map((stretch, at) => node("li", { class: "crowd-stretch-row" }, ...this.row(stretch, at))));
    this.list.hidden = !this.stretches.length;
    this.timeline.draw(this.stretches.map((one) => ({ ...one, colour: this.colour(one) })));
  }

  get state() { return this.stretches; }

  put(state) {
    this.stretches = state;
    this.show();
  }

  get answer() { return { ...this.dump(), inputMediaProperties: { duration: seconds(this.timeline.duration) } }; }

  set answer(given) {
    const found = this.parse(given ?? this.read("initial-value", null));
    this.timeline.cancel();
    this.start(found.filter(({ start, end }) => Number.isFinite(start) && Number.isFinite(end) && start >= 0 && start < end));
  }

  check() { return this.timeline.started ? this.complain("Mark the end of what you began, or press Escape.") : true; }
}
