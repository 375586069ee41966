// <crowd-form>: gathers the answers of the elements in it and submits them as one JSON object.

import { free, node, whenParsed } from "./parts.js";
import { HOME } from "./registry.js";

const OTHER = "button, a[href], summary, textarea, select, [role=button]"; // Enter is theirs
const NATIVE = ":is(input, select, textarea)[name]:not([type=submit], [type=button], [type=reset], [type=image], [type=file], [data-crowd-own], :disabled)";

/** What the plain fields of HTML answer, as the original has it: texts, and truth by value for what is checked. */
function native(field) {
  if (field.type === "checkbox" || field.type === "radio") return { [field.value]: field.checked };
  if (field.multiple) return [...field.selectedOptions].map((option) => option.value);
  return field.value === "" ? undefined : field.value;
}

function restore(field, given) {
  if (field.type === "checkbox" || field.type === "radio") field.checked = given ? Boolean(given[field.value]) : field.defaultChecked;
  else if (field.multiple) for (const option of field.options) option.selected = (given ?? []).includes(option.value);
  else field.value = given ?? field.defaultValue ?? "";
}

const object = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** Answers under one name: several boxes of a name make one object, else the last one counts. */
function merge(entries) {
  const merged = {};
  for (const [name, answer] of entries.filter(([, given]) => given !== undefined)) {
    const before = Object.hasOwn(merged, name) ? merged[name] : null;
    const value = object(before) && object(answer) ? { ...before, ...answer } : answer;
    Object.defineProperty(merged, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return merged;
}

export class Form extends HTMLElement {
  #onKey = (event) => this.#press(event);
  #line = null;

  constructor() {
    super();
    // A template's own <button type=submit>: outside a <form> a browser would do nothing.
    this.addEventListener("click", (event) => {
      if (event.target.closest("button[type=submit], input[type=submit]")?.form === null) this.submit(event.timeStamp);
    });
  }

  connectedCallback() {
    document.addEventListener("keydown", this.#onKey);
    whenParsed(() => this.#complete());
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#onKey);
  }

  /** The elements that answer, in the order of the page. */
  get fields() { return [...this.querySelectorAll("*")].filter((element) => element.crowdField); }

  /** The template's own fields of plain HTML. */
  get #natives() { return [...this.querySelectorAll(NATIVE)]; }

  /** The elements of ours whose scripts are still on their way. */
  get #late() { return [...this.querySelectorAll(":not(:defined)")].filter((one) => HOME[one.localName]); }

  /** {name: answer} of every element in the form. */
  get answer() {
    return merge([...this.fields.map((field) => [field.name, field.answer]), ...this.#natives.map((field) => [field.name, native(field)])]);
  }

  set answer(given) {
    for (const field of this.fields) field.answer = given?.[field.name];
    for (const field of this.#natives) restore(field, given?.[field.name]);
    for (const late of this.#late) customElements.whenDefined(late.localName).then(() => { if (late.crowdField) late.answer = given?.[late.name]; });
  }

  /** What templates written for the original append their questions to. */
  get form() { return this; }

  reset() { this.answer = {}; }

  /** The first element gets the focus, also one whose script is still on its way. */
  focus(options) {
    const [field] = this.fields;
    const late = field ? null : this.#late[0];
    if (field) field.focus(options);
    else if (late) customElements.whenDefined(late.localName).then(() => { if (!this.closest("[hidden]")) late.focus(options); });
    else super.focus(options);
  }

  /** Submit the answer; false if something is missing or a listener of `submit` has stopped it. */
  submit(now = performance.now()) {
    if (!this.#whole() || !this.fields.every((field) => field.check(now))) return false;
    if (!this.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }))) return false;
    this.dispatchEvent(new CustomEvent("crowd-submit", { bubbles: true, detail: { answer: this.answer } }));
    return true;
  }

  /** Without one of its elements, an answer would lack something nobody has seen. */
  #whole() {
    const missing = this.#late.length > 0;
    if (missing && !this.#line) this.prepend(this.#line = node("p", { class: "crowd-error", role: "alert" }));
    if (this.#line) this.#line.hidden = !missing;
    if (missing) this.#line.textContent = "Part of this page has not been loaded. Wait a moment; if it does not come, reload the page.";
    return !missing;
  }

  /** A page that brings its own submit button says so with data-crowd-host. */
  #complete() {
    if (!this.isConnected || this.closest("[data-crowd-host]") || this.querySelector("crowd-button[form-action=submit], button[type=submit]")) return;
    this.append(node("crowd-button", { "form-action": "submit", variant: "primary", class: "crowd-submit" }, "Submit"));
  }

  #press(event) {
    if (event.key !== "Enter" || event.shiftKey || !free(event) || this.closest("[inert], [hidden]") || event.target.closest?.(OTHER)) return;
    event.preventDefault();
    this.submit(event.timeStamp);
  }
}
