// <crowd-form>: gathers the answers of the elements in it and submits them as one JSON object.

import { free, node, whenParsed } from "./parts.js";

const OTHER = "button, a[href], summary, textarea, select, [role=button]"; // Enter is theirs

export class Form extends HTMLElement {
  #onKey = (event) => this.#press(event);

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

  /** {name: answer} of every element in the form. */
  get answer() { return Object.fromEntries(this.fields.map((field) => [field.name, field.answer])); }

  set answer(given) { for (const field of this.fields) field.answer = given?.[field.name]; }

  reset() { this.answer = {}; }

  focus(options) { (this.fields[0] ?? this).focus(options); }

  /** Submit the answer; false if something is missing or a listener of `submit` has stopped it. */
  submit(now = performance.now()) {
    if (!this.fields.every((field) => field.check(now))) return false;
    if (!this.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }))) return false;
    this.dispatchEvent(new CustomEvent("crowd-submit", { bubbles: true, detail: { answer: this.answer } }));
    return true;
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
