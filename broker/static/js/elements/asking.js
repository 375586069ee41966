// <broker-fields>: several questions about one thing, each a field of a sort: text, long, number, choice, many, yes, rating.

import { Field } from "./field.js";
import { fresh, node } from "./parts.js";

const own = { "data-crowd-own": "" }; // crowd-form asks this element, not its inputs

/** One question: its node, value() and set(value); null where nothing was answered. */
class Asked {
  constructor({ label, sort = "text", choices = [], least = null, most = null, optional = false }, told) {
    Object.assign(this, { label, sort, choices, least, most, optional, id: fresh("field"), error: null });
    this.error = node("p", { class: "error", role: "alert", id: `${this.id}-error` });
    this.node = ["choice", "many", "yes", "rating"].includes(sort) ? this.#group(told) : this.#line(told);
  }

  #title() { return [this.label, this.optional ? node("span", { class: "optional" }, " (optional)") : null]; }

  #line(told) {
    const more = this.sort === "long" ? { rows: 4 } : { type: "text", inputMode: this.sort === "number" ? "decimal" : "text" };
    const input = node(this.sort === "long" ? "textarea" : "input", { class: "input", id: this.id, "aria-describedby": this.error.id, dir: "auto", ...own, ...more, oninput: told });
    if (this.sort === "number") input.classList.add("input-short");
    this.inputs = [input];
    return node("div", { class: "field" }, node("label", { htmlFor: this.id }, ...this.#title()), input, this.error);
  }

  #group(told) {
    const options = { yes: [["Yes", true], ["No", false]], rating: this.#steps() }[this.sort] ?? this.choices.map((one) => [one, one]);
    const type = this.sort === "many" ? "checkbox" : "radio";
    this.values = options.map(([, value]) => value);
    this.inputs = options.map(() => node("input", { type, name: this.id, "aria-describedby": this.error.id, ...own, onchange: told }));
    const labels = options.map(([text], at) => node("label", { class: "check" }, this.inputs[at], node("span", { dir: "auto" }, text)));
    return node("fieldset", { class: "field crowd-asked" }, node("legend", {}, ...this.#title()), node("div", { class: this.sort === "rating" ? "row" : "crowd-options" }, ...labels), this.error);
  }

  #steps() {
    return Array.from({ length: Math.max(0, this.most - this.least + 1) }, (_, at) => [String(this.least + at), this.least + at]);
  }

  get value() {
    if (!this.values) {
      const text = this.inputs[0].value.trim();
      return text === "" ? null : this.sort === "number" ? Number(text.replace(",", ".")) : text;
    }
    const chosen = this.values.filter((_, at) => this.inputs[at].checked);
    if (this.sort === "many") return chosen.length || !this.optional ? chosen : null;
    return chosen[0] ?? null;
  }

  set value(given) {
    if (!this.values) this.inputs[0].value = given ?? "";
    else for (const [at, value] of this.values.entries()) this.inputs[at].checked = this.sort === "many" ? (given ?? []).includes(value) : value === given;
    this.complain("");
    this.error.classList.remove("was");
  }

  /** What is wrong, or "". */
  fault() {
    const { value } = this;
    if (value === null) return this.optional ? "" : "This question must be answered.";
    if (this.sort !== "number") return "";
    if (!Number.isFinite(value)) return "Write a number.";
    if (this.least !== null && value < this.least) return `Write a number of at least ${this.least}.`;
    return this.most !== null && value > this.most ? `Write a number of at most ${this.most}.` : "";
  }

  complain(text) {
    this.error.textContent = text;
    if (text) this.error.classList.add("was");
    for (const input of this.inputs) {
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }
}

class Fields extends Field {
  #asked = [];

  draw() {
    const target = this.querySelector("classification-target");
    this.#asked = this.read("fields", []).map((one) => new Asked(one, () => this.#told()));
    this.append(node("p", { class: "crowd-question", dir: "auto" }, this.getAttribute("header") ?? ""), target ?? "", this.line, node("div", { class: "flow crowd-fields" }, ...this.#asked.map((one) => one.node)));
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !event.target.matches("input[type=text]")) return;
      event.preventDefault();
      this.closest("crowd-form")?.submit(event.timeStamp);
    });
    this.answer = undefined;
  }

  #told() {
    for (const one of this.#asked) if (one.error.textContent) one.complain(one.fault());
    this.changed();
  }

  get answer() { return Object.fromEntries(this.#asked.map((one) => [one.label, one.value]).filter(([, value]) => value !== null)); }

  set answer(given) {
    const first = given ?? this.read("initial-value", {});
    for (const one of this.#asked) one.value = first[one.label] ?? null;
    this.hush();
  }

  focus(options) { this.#asked[0]?.inputs[0].focus(options); }

  check() {
    const wrong = this.#asked.filter((one) => {
      const fault = one.fault();
      one.complain(fault);
      return fault;
    });
    wrong[0]?.inputs[0].focus();
    return !wrong.length;
  }
}

export const tags = { "broker-fields": Fields };
