// <crowd-input>: one line of text, a number, a date. <crowd-text-area>: several lines.

import { Field } from "./field.js";
import { fresh, node } from "./parts.js";

// What a browser offers a field for; a password or a file is nothing a HIT may ask for.
const TYPES = new Set(["text", "number", "email", "url", "tel", "search", "date", "time", "datetime-local", "month", "week", "color"]);
const LONGEST = 100_000; // code units, whatever a template allows
const ROWS = 4;

class Text extends Field {
  #box = null;
  #count = null;

  draw() {
    const id = fresh("text");
    const label = this.getAttribute("label");
    this.#box = this.make();
    Object.assign(this.#box, { id, className: "input", dir: "auto", disabled: this.flag("disabled"), placeholder: this.getAttribute("placeholder") ?? "" });
    this.#box.maxLength = Math.min(Number(this.getAttribute("max-length")) || LONGEST, LONGEST);
    this.#box.setAttribute("aria-required", String(this.flag("required")));
    this.#box.setAttribute("aria-describedby", this.line.id);
    if (!label) this.#box.setAttribute("aria-label", this.getAttribute("aria-label") || this.#box.placeholder || this.name);
    this.#count = this.flag("char-counter") ? node("span", { class: "crowd-count hint" }) : null;
    this.append(node("div", { class: "field" },
      label && node("label", { htmlFor: id, dir: "auto" }, label, this.flag("required") ? null : node("span", { class: "optional" }, " optional")),
      this.#box, this.#count, this.line));
    this.#box.addEventListener("beforeinput", (event) => this.#filter(event));
    this.#box.addEventListener("input", () => this.changed());
    this.text = this.getAttribute("value") ?? "";
    if (this.flag("auto-focus")) this.#box.focus();
  }

  get text() { return this.#box?.value ?? ""; }

  set text(given) {
    this.#box.value = given;
    this.#counted();
  }

  get answer() { return this.text === "" ? undefined : this.text; }
  set answer(given) {
    this.text = given ?? "";
    this.hush();
  }

  focus(options) { this.#box?.focus(options); }

  changed() {
    this.#counted();
    super.changed();
  }

  hush() {
    super.hush();
    this.#box?.removeAttribute("aria-invalid");
  }

  complain(text) {
    this.#box.setAttribute("aria-invalid", "true");
    this.#box.focus();
    return super.complain(text);
  }

  check() {
    const least = Number(this.getAttribute("min-length")) || 0;
    const own = this.flag("auto-validate") && this.getAttribute("error-message");
    const length = [...this.text].length;
    if (this.#box.validity.badInput || this.#box.validity.typeMismatch) return this.complain(own || this.#box.validationMessage);
    if (!this.text.trim()) return !this.flag("required") || this.complain(own || "Fill this in first.");
    return length >= least || this.complain(own || `At least ${least} characters are needed; there are ${length}.`);
  }

  #counted() {
    if (this.#count) this.#count.textContent = `${this.#box.value.length} of at most ${this.#box.maxLength}`;
  }

  /** With auto-validate, signs that the pattern does not allow are not taken. */
  #filter(event) {
    const pattern = this.flag("auto-validate") && this.getAttribute("allowed-pattern");
    if (!pattern || !event.data) return;
    try {
      const allowed = new RegExp(`^(?:${pattern})$`, "u");
      if (![...event.data].every((sign) => allowed.test(sign))) event.preventDefault();
    } catch {
      // A pattern that is none allows everything: the worker cannot mend the template.
    }
  }
}

class Input extends Text {
  make() {
    const type = this.getAttribute("type") ?? "text";
    return node("input", { type: TYPES.has(type) ? type : "text", step: type === "number" ? "any" : null });
  }
}

class TextArea extends Text {
  make() {
    const box = node("textarea", { rows: Number(this.getAttribute("rows")) || ROWS });
    const most = Number(this.getAttribute("max-rows"));
    if (most) box.style.maxBlockSize = `${most * 1.4 + 1.2}em`;
    return box;
  }
}

export const tags = { "crowd-input": Input, "crowd-text-area": TextArea };
