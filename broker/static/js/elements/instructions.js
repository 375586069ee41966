// <short-instructions>: stands beside the answer, can be folded. <full-instructions>: behind a button, in a dialog.

import { fresh, icon, node, whenParsed } from "./parts.js";

/** Wraps the element's own children once. */
class Wrapped extends HTMLElement {
  #drawn = false;

  connectedCallback() {
    whenParsed(() => {
      if (this.#drawn || !this.isConnected) return;
      this.#drawn = true;
      this.wrap([...this.childNodes]);
    });
  }
}

export class ShortInstructions extends Wrapped {
  wrap(children) {
    this.append(node("details", { class: "details", open: true }, node("summary", {}, "Instructions"), node("div", { class: "prose" }, ...children)));
  }
}

export class FullInstructions extends Wrapped {
  wrap(children) {
    const id = fresh("instructions");
    const dialog = node("dialog", { class: "dialog", "aria-labelledby": id },
      node("div", { class: "dialog-head" }, node("h2", { id, dir: "auto" }, this.getAttribute("header") || "Instructions"),
        node("button", { type: "button", class: "button button-quiet button-icon", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
      node("div", { class: "dialog-body prose" }, ...children));
    this.append(node("button", { type: "button", class: "crowd-more", onclick: () => dialog.showModal() }, icon("guide"), "Full instructions"), dialog);
  }
}
