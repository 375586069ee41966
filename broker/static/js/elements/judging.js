// <broker-pairwise>: the better of two. <broker-rating>: a number on a scale. Both are radio buttons with keys.

import { fresh, node } from "./parts.js";
import { Keyed } from "./undoable.js";

const STEPS = 11; // choices that stand side by side

class Choice extends Keyed {
  #inputs = [];
  #keys = [];

  /** One radio button; `key` chooses it. */
  radio(value, key, group) {
    const input = node("input", { type: "radio", name: group, value, "data-crowd-own": "", "aria-keyshortcuts": key, onchange: () => this.changed() });
    this.#inputs.push(input);
    this.#keys.push(key);
    return input;
  }

  hint(key) { return node("kbd", { class: "hint-key", "aria-hidden": "true" }, key); }

  group(...parts) {
    this.append(node("fieldset", { class: "crowd-answer", tabIndex: -1 }, node("legend", { dir: "auto" }, this.getAttribute("header") ?? ""), this.line, ...parts));
    this.answer = undefined;
  }

  get value() { return this.#inputs.find((input) => input.checked)?.value ?? null; }

  set value(given) {
    for (const input of this.#inputs) input.checked = input.value === String(given);
    this.hush();
  }

  focus(options) { this.querySelector("fieldset")?.focus(options); }

  press(key) {
    const input = this.#inputs[this.#keys.indexOf(key)];
    if (!input) return false;
    input.focus();
    input.click();
    return true;
  }

  check() {
    if (this.value !== null) return true;
    this.#inputs[0]?.focus();
    return this.complain("Choose one first.");
  }
}

class Pairwise extends Choice {
  draw() {
    const options = [...this.querySelectorAll("pairwise-option")].slice(0, 2);
    const group = fresh("pair");
    const cards = options.map((option, at) => ({ option, value: option.getAttribute("value") || ["left", "right"][at] }));
    if (this.flag("swap")) cards.reverse();
    const shown = cards.map(({ option, value }, at) => {
      option.remove();
      const key = String(at + 1);
      const name = fresh("option");
      const input = this.radio(value, key, group);
      input.setAttribute("aria-labelledby", name);
      return node("label", { class: "crowd-pick" }, node("span", { class: "crowd-pick-head", id: name }, input, node("span", { class: "crowd-name" }, ["First", "Second"][at]), this.hint(key)), node("span", { class: "crowd-pick-body", dir: "auto" }, ...option.childNodes));
    });
    const tie = this.flag("tie") && node("label", { class: "crowd-pick crowd-tie" }, node("span", { class: "crowd-pick-head" }, this.radio("tie", "3", group), node("span", { class: "crowd-name" }, "No difference"), this.hint("3")));
    this.group(node("div", { class: "crowd-pair" }, ...shown, tie));
  }

  get answer() { return { choice: this.value }; }
  set answer(given) {
    const first = given ?? this.read("initial-value", null);
    this.value = first?.choice ?? first;
  }
}

class Rating extends Choice {
  draw() {
    const [min, max] = [this.#end("min", 1), this.#end("max", 5)];
    const group = fresh("rating");
    const values = Array.from({ length: Math.min(STEPS, Math.max(0, max - min + 1)) }, (_, at) => min + at);
    const steps = values.map((value) => {
      // A number of one digit is its own key; ten is 0 where no 0 can be chosen.
      const key = value >= 0 && value < 10 ? String(value) : value === 10 && min > 0 ? "0" : null;
      return node("label", { class: "crowd-step" }, this.radio(String(value), key, group), node("span", { class: "crowd-name" }, String(value)));
    });
    const end = (name) => node("span", { class: "crowd-hint", dir: "auto" }, this.getAttribute(name) ?? "");
    this.group(node("div", { class: "crowd-scale" }, ...steps), node("div", { class: "crowd-ends" }, end("low"), end("high")));
  }

  #end(attribute, otherwise) {
    const number = Number.parseInt(this.getAttribute(attribute), 10);
    return Number.isInteger(number) ? number : otherwise;
  }

  get answer() { return { rating: this.value === null ? null : Number(this.value) }; }
  set answer(given) {
    const first = given ?? this.read("initial-value", null);
    this.value = first?.rating ?? first;
  }
}

export const tags = { "broker-pairwise": Pairwise, "broker-rating": Rating };
