// <crowd-entity-annotation>: spans of a text with labels. It submits by itself: without a crowd-form around it, it brings one.

import { Marks } from "./marks.js";
import { node } from "./parts.js";

class Entities extends Marks {
  connectedCallback() {
    if (this.closest("crowd-form")) {
      super.connectedCallback();
      return;
    }
    // The form must not be connected before it holds what it asks for: it would put its button first.
    const place = document.createComment("");
    this.replaceWith(place);
    place.replaceWith(node("crowd-form", {}, this));
  }

  parse(given) {
    const list = Array.isArray(given) ? given : given?.entities ?? [];
    return { spans: list.map(({ startOffset, endOffset, label }) => this.span({ start: startOffset, end: endOffset }, String(label))) };
  }

  dump() { return { entities: this.spans.map(({ start, end, label }) => ({ endOffset: end, label, startOffset: start })) }; }
}

export const tags = { "crowd-entity-annotation": Entities };
