// What every answering element shares: it draws itself once, reads its attributes, complains in one line, and says when it changed.

import { lenient } from "./lenient.js";
import { fresh, node, whenParsed } from "./parts.js";

const READ = 400; // an answer that is asked to be confirmed was not read in fewer milliseconds

export class Field extends HTMLElement {
  crowdField = true;
  #drawn = false;
  #asked = 0;
  #line = null;

  connectedCallback() {
    whenParsed(() => {
      if (!this.isConnected) return;
      if (!this.#drawn) {
        this.#drawn = true;
        this.draw();
      }
      this.appear?.();
    });
  }

  disconnectedCallback() { this.vanish?.(); }

  get name() { return this.getAttribute("name") || this.localName; }

  /** The value of an attribute that holds JSON, written strictly or loosely; what cannot be read is told on the page. */
  read(attribute, otherwise) {
    const text = this.getAttribute(attribute)?.trim();
    if (!text) return otherwise;
    try {
      return lenient(text) ?? otherwise;
    } catch (error) {
      this.prepend(node("p", { class: "crowd-error", role: "alert" }, `The attribute ${attribute} of ${this.localName}: ${error.message}.`));
      return otherwise;
    }
  }

  /** A flag as templates write it: there, and not "false". */
  flag(attribute) { return this.hasAttribute(attribute) && this.getAttribute(attribute) !== "false"; }

  /** The line for complaints; an element puts it where it belongs. */
  get line() {
    this.#line ??= node("p", { class: "crowd-error", role: "alert", hidden: true, id: fresh("error") });
    return this.#line;
  }

  complain(text) {
    this.line.hidden = false;
    this.line.textContent = text;
    return false;
  }

  hush() {
    this.#asked = 0;
    this.line.hidden = true;
  }

  /** An answer that may be meant but looks forgotten is asked about once; true when it is confirmed. */
  confirm(text, now) {
    if (this.#asked && now - this.#asked > READ) return true;
    this.#asked ||= now;
    return this.complain(text);
  }

  changed() {
    this.hush();
    this.dispatchEvent(new CustomEvent("crowd-change", { bubbles: true, detail: { name: this.name, answer: this.answer } }));
  }

  check() { return true; }
}
