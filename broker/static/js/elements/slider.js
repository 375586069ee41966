// <crowd-slider>: a number between two ends.

import { Field } from "./field.js";
import { node } from "./parts.js";

class Slider extends Field {
  #range = null;
  #number = null;
  #shown = null;
  #touched = false;

  draw() {
    const ends = { min: this.#end("min", 0), max: this.#end("max", 100), step: this.#end("step", 1), disabled: this.flag("disabled") };
    const label = this.getAttribute("label") || this.getAttribute("aria-label") || this.name;
    this.#range = node("input", { type: "range", class: "crowd-range", ...ends, "aria-label": label, "aria-describedby": this.line.id, oninput: () => this.#take(this.#range.value) });
    if (this.flag("editable")) {
      this.#number = node("input", { type: "number", class: "input input-short", ...ends, "aria-label": `${label}, as a number`, onchange: () => this.#take(this.#number.value) });
    }
    this.#shown = node("output", { class: "crowd-range-value", hidden: Boolean(this.#number) });
    const end = (value) => node("span", { class: "crowd-range-end", "aria-hidden": "true" }, String(value));
    if (this.hasAttribute("label")) this.append(node("div", { class: "label", "aria-hidden": "true", dir: "auto" }, label));
    this.append(node("div", { class: "crowd-slide" }, end(ends.min), this.#range, end(ends.max), this.#shown, this.#number), this.line);
    // The knob stands in the middle before anyone has moved it: a click on it, too, is a choice.
    this.#range.addEventListener("click", () => { if (!this.#touched) this.#take(this.#range.value); });
    this.answer = undefined;
  }

  #end(attribute, otherwise) {
    const number = Number.parseFloat(this.getAttribute(attribute));
    return Number.isFinite(number) ? number : otherwise;
  }

  #take(text) {
    if (text === "") return;
    this.#put(text);
    this.changed();
  }

  #put(value) {
    this.#touched = value !== undefined;
    if (this.#touched) this.#range.value = value;
    else this.#range.value = (Number(this.#range.min) + Number(this.#range.max)) / 2;
    this.#range.classList.toggle("crowd-untouched", !this.#touched);
    this.#range.setAttribute("aria-valuetext", this.#touched ? this.#range.value : "nothing chosen yet");
    this.#shown.value = this.#touched ? this.#range.value : "–";
    if (this.#number) this.#number.value = this.#touched ? this.#range.value : "";
  }

  /** A number nobody chose is no answer. */
  get answer() { return this.#touched ? Number(this.#range.value) : undefined; }
  set answer(given) {
    this.#put(given ?? (this.hasAttribute("value") ? this.#end("value", undefined) : undefined));
    this.hush();
  }

  focus(options) { this.#range?.focus(options); }

  check() {
    if (this.#touched || !this.flag("required")) return true;
    this.focus();
    return this.complain("Move the knob first, or click where it belongs.");
  }
}

export const tags = { "crowd-slider": Slider };
