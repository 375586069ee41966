// <crowd-checkbox>, <crowd-toggle-button>, <crowd-radio-button> and the <crowd-radio-group> around radio buttons.

import { Field } from "./field.js";
import { fresh, node } from "./parts.js";

class Check extends Field {
  input = null;

  draw() {
    const words = [...this.childNodes];
    const said = this.textContent.trim();
    this.input = node("input", { ...this.kind(), "data-crowd-own": "", checked: this.flag("checked"), disabled: this.flag("disabled"), "aria-describedby": this.line.id });
    if (!said) this.input.setAttribute("aria-label", this.getAttribute("aria-label") || this.getAttribute("value") || this.name);
    if (this.flag("required")) this.input.setAttribute("aria-required", "true");
    this.append(node("label", { class: "check" }, this.input, node("span", { dir: "auto" }, ...words)), this.line);
    this.input.addEventListener("change", () => this.changed());
  }

  get value() { return this.getAttribute("value") || "on"; }
  get checked() { return this.input?.checked ?? false; }

  get answer() { return { [this.value]: this.checked }; }
  set answer(given) {
    this.input.checked = given === undefined ? this.flag("checked") : Boolean(given?.[this.value]);
    this.hush();
  }

  focus(options) { this.input?.focus(options); }

  check() {
    if (!this.flag("required") || this.checked) return true;
    this.focus();
    return this.complain("This must be checked before you can go on.");
  }
}

class Checkbox extends Check {
  kind() { return { type: "checkbox" }; }
}

class Toggle extends Check {
  kind() { return { type: "checkbox", role: "switch", "aria-invalid": this.flag("invalid") ? "true" : null }; }
}

class Radio extends Check {
  kind() {
    // Buttons outside a group stand alone, as the original has it.
    return { type: "radio", name: this.closest("crowd-radio-group")?.group ?? fresh("radio") };
  }
}

/** One of the radio buttons in it can be chosen; they answer, the group only asks for a choice if it is required. */
class RadioGroup extends Field {
  group = fresh("radios");

  draw() {
    this.setAttribute("role", "radiogroup");
    if (!this.hasAttribute("aria-labelledby")) this.setAttribute("aria-label", this.getAttribute("label") || this.getAttribute("aria-label") || "Choose one");
    this.append(this.line);
    this.addEventListener("change", () => this.hush());
  }

  get answer() { return undefined; }
  set answer(_) { this.hush(); }

  focus(options) { this.querySelector("input:checked, input")?.focus(options); }

  check() {
    if (!this.flag("required") || this.querySelector("input:checked")) return true;
    this.focus();
    return this.complain("Choose one first.");
  }
}

export const tags = { "crowd-radio-group": RadioGroup, "crowd-checkbox": Checkbox, "crowd-toggle-button": Toggle, "crowd-radio-button": Radio };
