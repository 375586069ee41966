// <crowd-classifier>: one label for an image or a text. <crowd-classifier-multi-select>: several.

import { lenient } from "./lenient.js";
import { LABEL_KEYS, fresh, icon, node } from "./parts.js";
import { Keyed } from "./undoable.js";

const TILE = 3; // names up to this long stand in tiles, not in rows
const HALF = 14; // and up to this long in two columns

/** A label as templates write it: a text, or {name, definition, examples}; Ground Truth says `label` for the name. */
const label = (raw) => (raw !== null && typeof raw === "object"
  ? { name: String(raw.name ?? raw.label ?? ""), definition: raw.definition ?? "", examples: raw.examples ?? [] }
  : { name: String(raw), definition: "", examples: [] });

/** Labels that are single keys themselves, as the digits 0 to 9, are chosen by their own key; others by their place. */
function keysOf(labels) {
  const names = labels.map(({ name }) => name.toLowerCase());
  const own = names.every((name) => LABEL_KEYS.includes(name)) && new Set(names).size === names.length;
  return own ? names : LABEL_KEYS;
}

const explained = ({ definition, examples }) => Boolean(definition || examples.length);

const meaning = ({ definition, examples }) => [
  definition ? node("p", { dir: "auto" }, definition) : null,
  examples.length ? node("ul", { "aria-label": "Examples" }, ...examples.map((text) => node("li", { dir: "auto" }, String(text)))) : null,
];

/** The labels with their keys as native radios or checkboxes in one fieldset. */
class Labels extends Keyed {
  #inputs = [];
  #keys = [];
  #exclusive = null;

  /** The names of the chosen labels, in the order of the labels. */
  get chosen() { return this.#inputs.filter((input) => input.checked).map((input) => input.value); }

  set chosen(names) {
    for (const input of this.#inputs) input.checked = names.includes(input.value);
    this.hush();
  }

  focus(options) { this.querySelector("fieldset")?.focus(options); }

  /** Say what is missing; true if nothing is. `now` is the time of the press, in milliseconds. */
  check(now) {
    if (this.chosen.length) return true;
    this.#inputs[0]?.focus();
    return this.many ? this.confirm("Nothing is chosen. Submit again if none of the labels fits.", now) : this.complain("Choose a label first.");
  }

  draw() {
    this.classList.add("crowd-two");
    const labels = this.read("categories", []).map(label);
    const exclusion = this.many && this.getAttribute("exclusion-category");
    const all = exclusion ? [...labels, label(lenient(exclusion).text ?? "None of the above")] : labels;
    const longest = Math.max(0, ...labels.map(({ name }) => [...name].length));
    const shape = longest <= TILE && !exclusion ? "tiles" : longest <= HALF && labels.length > 3 && !labels.some(explained) ? "halves" : "rows";
    const group = fresh("group");
    this.#keys = keysOf(all);
    const options = all.map((one, index) => this.#option(one, this.#keys[index], group, shape));
    this.#inputs = options.map((option) => option.querySelector("input"));
    this.#exclusive = exclusion ? this.#inputs.at(-1) : null;
    this.append(node("fieldset", { class: "crowd-answer", tabIndex: -1 },
      node("legend", { dir: "auto" }, this.getAttribute("header") ?? ""),
      this.many ? node("p", { class: "crowd-hint" }, "Choose all that fit.") : null,
      this.line,
      node("div", { class: `crowd-labels crowd-${shape}` }, ...options),
      shape === "tiles" && labels.some(explained) ? this.#glossary(labels) : null));
    this.addEventListener("change", (event) => this.#changed(event.target));
    this.answer = this.read("initial-value");
  }

  #option(one, key, group, shape) {
    const about = shape !== "tiles" && explained(one) ? fresh("about") : null;
    const input = node("input", { type: this.many ? "checkbox" : "radio", name: group, value: one.name, "data-crowd-own": "", "aria-keyshortcuts": key });
    const same = key === one.name.toLowerCase();
    return node("div", { class: "crowd-label" },
      node("label", {}, input,
        node("span", { class: "crowd-name", dir: "auto" }, one.name),
        key && !same ? node("kbd", { class: "hint-key", "aria-hidden": "true" }, key.toUpperCase()) : null),
      about ? node("button", { type: "button", class: "crowd-about", "aria-label": `What “${one.name}” means`, "aria-expanded": "false", "aria-controls": about, onclick: toggle }, icon("info")) : null,
      about ? node("div", { class: "crowd-meaning", id: about, hidden: true }, ...meaning(one)) : null);
  }

  /** Tiles have no room for a button each: one button tells what all of them mean. */
  #glossary(labels) {
    const id = fresh("about");
    const entries = labels.filter(explained).flatMap((one) => [node("dt", { dir: "auto" }, one.name), node("dd", {}, ...meaning(one).filter(Boolean))]);
    return node("div", { class: "crowd-glossary" },
      node("button", { type: "button", class: "crowd-more", "aria-expanded": "false", "aria-controls": id, onclick: toggle }, icon("info"), "What the labels mean"),
      node("dl", { class: "crowd-meaning", id, hidden: true }, ...entries));
  }

  #changed(input) {
    if (!this.#inputs.includes(input)) return;
    if (this.#exclusive && input.checked) {
      for (const other of this.#inputs) if ((other === this.#exclusive) !== (input === this.#exclusive)) other.checked = false;
    }
    this.changed();
  }

  press(key) {
    const input = this.#inputs[this.#keys.indexOf(key)];
    if (!input) return false;
    input.focus();
    input.click();
    return true;
  }
}

function toggle(event) {
  const button = event.currentTarget;
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.getAttribute("aria-controls")).hidden = !open;
}

export class Classifier extends Labels {
  many = false;
  get answer() { return { label: this.chosen[0] ?? null }; }
  set answer(given) { this.chosen = [given?.label ?? given].filter((name) => typeof name === "string" || typeof name === "number").map(String); }
}

export class MultiClassifier extends Labels {
  many = true;
  get answer() { return { labels: this.chosen }; }
  set answer(given) { this.chosen = (given?.labels ?? (Array.isArray(given) ? given : [])).map(String); }
}

export const tags = { "crowd-classifier": Classifier, "crowd-classifier-multi-select": MultiClassifier };
