// <short-instructions>: stands beside the answer, can be folded. <full-instructions>: behind a button, in a dialog.
// <crowd-instructions>: a summary, details and examples behind one button or link. <crowd-modal>: anything behind one.

import { Wrapped } from "./frames.js";
import { fresh, icon, node } from "./parts.js";

const PARTS = {
  "short-summary": "Summary",
  "detailed-instructions": "In detail",
  "positive-example": "A good example",
  "negative-example": "A bad example",
};

class ShortInstructions extends Wrapped {
  wrap(children) {
    this.append(node("details", { class: "details", open: true }, node("summary", {}, "Instructions"), node("div", { class: "prose" }, ...children)));
  }
}

/** A dialog that a button opens, under a heading. */
class Opens extends Wrapped {
  open(heading, opener, children) {
    const id = fresh("dialog");
    const dialog = node("dialog", { class: "dialog", "aria-labelledby": id },
      node("div", { class: "dialog-head" }, node("h2", { id, dir: "auto" }, heading),
        node("button", { type: "button", class: "button button-quiet button-icon", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
      node("div", { class: "dialog-body prose", tabIndex: 0 }, ...children));
    opener.addEventListener("click", () => dialog.showModal());
    this.append(opener, dialog);
  }

  opener(otherwise) {
    const name = this.getAttribute("link-type") === "button" ? "button" : "link-button crowd-link";
    return node("button", { type: "button", class: name }, this.getAttribute("link-text") || otherwise);
  }
}

class FullInstructions extends Opens {
  wrap(children) {
    const opener = node("button", { type: "button", class: "crowd-more" }, icon("guide"), "Full instructions");
    this.open(this.getAttribute("header") || "Instructions", opener, children);
  }
}

class Instructions extends Opens {
  wrap(children) {
    const sections = children.filter((one) => PARTS[one.localName]).map((one) => node("section", { class: `crowd-${one.localName}` },
      node("h3", {}, PARTS[one.localName]), ...one.childNodes));
    for (const one of children) one.remove();
    this.open("Instructions", this.opener("View instructions"), sections);
  }
}

class Modal extends Opens {
  wrap(children) {
    const opener = this.opener("Click to open modal");
    this.open(opener.textContent, opener, children);
  }
}

export const tags = { "short-instructions": ShortInstructions, "full-instructions": FullInstructions, "crowd-instructions": Instructions, "crowd-modal": Modal };
