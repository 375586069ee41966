// The labels a worker marks with: radio buttons with keys, colours and meanings, one of them always chosen.

import { colours } from "./draw.js";
import { LABEL_KEYS, fresh, node } from "./parts.js";

/** A label as templates write it: a text, or {label, shortDisplayName, fullDisplayName}; `name` is understood for `label`. */
export function entry(raw) {
  const one = raw !== null && typeof raw === "object" ? raw : { label: raw };
  const label = String(one.label ?? one.name ?? "");
  return { label, full: String(one.fullDisplayName ?? label), short: String(one.shortDisplayName ?? label), definition: String(one.definition ?? "") };
}

export class Palette {
  #labels = [];
  #inputs = [];
  #colours = [];
  #group = fresh("palette");
  #pick;
  #own;

  /** `pick(label)` is called for each choice, also of the label that was chosen already. */
  constructor(raw, { title = "Label", own = [], pick }) {
    this.#pick = pick;
    this.#own = own;
    this.list = node("div", { class: "crowd-swatches" });
    this.node = node("fieldset", { class: "crowd-palette" }, node("legend", { class: "label" }, title), this.list);
    this.fill(raw.map(entry));
  }

  /** Show other labels; the chosen one stays chosen if it is still there. */
  fill(labels) {
    const { value } = this;
    this.#labels = labels;
    this.#colours = colours(labels, this.#own);
    this.#inputs = labels.map(({ label }, index) => node("input", { type: "radio", name: this.#group, value: label, "aria-keyshortcuts": LABEL_KEYS[index], "data-crowd-own": "", onclick: () => this.#pick(label) }));
    this.list.replaceChildren(...labels.map((one, index) => this.#swatch(one, index)));
    this.value = labels.some(({ label }) => label === value) ? value : labels[0]?.label;
  }

  #swatch({ full, definition }, index) {
    const chip = node("span", { class: "crowd-chip", "aria-hidden": "true" });
    chip.style.backgroundColor = this.#colours[index];
    const key = LABEL_KEYS[index];
    return node("label", { class: "crowd-swatch", title: definition || null }, this.#inputs[index], chip, node("span", { dir: "auto" }, full),
      key && node("kbd", { class: "hint-key", "aria-hidden": "true" }, key.toUpperCase()));
  }

  get value() { return this.#inputs.find((input) => input.checked)?.value ?? ""; }
  set value(label) { for (const input of this.#inputs) input.checked = input.value === label; }

  all() { return this.#labels.map(({ label }) => label); }

  has(label) { return this.#labels.some((one) => one.label === label); }

  colour(label) { return this.#colours[this.#labels.findIndex((one) => one.label === label)] ?? "#7f7f7f"; }

  find(label) { return this.#labels.find((one) => one.label === label) ?? entry(label); }

  /** Choose by a key; true if the key is a label's. */
  press(key) {
    const at = LABEL_KEYS.indexOf(key);
    const input = at < 0 ? null : this.#inputs[at];
    if (!input) return false;
    input.checked = true;
    this.#pick(input.value);
    return true;
  }
}
