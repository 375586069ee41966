// <crowd-button>: a button that submits or resets the crowd-form around it, or follows a link.

import { node, whenParsed } from "./parts.js";

export class Button extends HTMLElement {
  static observedAttributes = ["disabled", "loading"];
  #inner = null;

  connectedCallback() {
    whenParsed(() => {
      if (this.#inner || !this.isConnected) return;
      this.#inner = node("button", { type: "button", class: `button${this.getAttribute("variant") === "primary" ? " button-primary" : ""}`, onclick: () => this.#act() }, ...this.childNodes);
      this.append(this.#inner);
      this.attributeChangedCallback();
    });
  }

  attributeChangedCallback() {
    if (!this.#inner) return;
    this.#inner.disabled = this.hasAttribute("disabled") || this.hasAttribute("loading");
    this.#inner.toggleAttribute("aria-busy", false);
    if (this.hasAttribute("loading")) this.#inner.setAttribute("aria-busy", "true");
  }

  #act() {
    const form = this.closest("crowd-form");
    if (this.getAttribute("form-action") === "submit") form?.submit();
    else if (this.getAttribute("form-action") === "reset") form?.reset();
    else if (this.hasAttribute("href")) open(this.getAttribute("href"), this.getAttribute("target") || "_self", "noopener");
  }
}
