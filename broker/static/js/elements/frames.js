// What holds or marks other things: <crowd-card>, <crowd-alert>, <crowd-badge>, <crowd-tabs> with its <crowd-tab>s.

import { fresh, icon, node, whenParsed } from "./parts.js";

/** Wraps the element's own children once. */
export class Wrapped extends HTMLElement {
  #drawn = false;

  connectedCallback() {
    whenParsed(() => {
      if (this.#drawn || !this.isConnected) return;
      this.#drawn = true;
      this.wrap([...this.childNodes]);
    });
  }
}

class Card extends Wrapped {
  wrap(children) {
    const heading = this.getAttribute("heading");
    const src = this.getAttribute("image");
    this.append(node("section", { class: "card", "aria-label": heading },
      src && node("img", { class: "crowd-card-image", src, alt: "" }),
      heading && node("h2", { class: "crowd-card-heading", dir: "auto" }, heading),
      ...children));
  }
}

const TONES = { success: "good", error: "bad", warning: "warn", info: "info" };

class Alert extends Wrapped {
  wrap(children) {
    const tone = TONES[this.getAttribute("type")] ?? "info";
    const close = this.hasAttribute("dismissible") && node("button", { type: "button", class: "button button-quiet button-icon", "aria-label": "Dismiss", onclick: () => this.remove() }, icon("close"));
    this.append(node("div", { class: `notice notice-${tone} crowd-notice`, role: tone === "bad" || tone === "warn" ? "alert" : "status" },
      icon(tone), node("div", { dir: "auto" }, ...children), close));
  }
}

/** A mark at the upper corner of the element that `for` names, or of what it stands in. */
class Badge extends Wrapped {
  wrap() {
    const label = this.getAttribute("label") ?? "";
    this.append(node("span", { class: "count" }, label));
    const marked = document.getElementById(this.getAttribute("for"));
    if (!marked) return;
    const place = node("span", { class: "crowd-badged" });
    marked.replaceWith(place);
    place.append(marked, this);
  }
}

class Tabs extends Wrapped {
  #tabs = [];
  #panels = [];

  wrap() {
    this.#panels = [...this.children].filter((one) => one.localName === "crowd-tab");
    this.#tabs = this.#panels.map((panel, index) => this.#tab(panel, index));
    const list = node("div", { class: "tabs", role: "tablist", "aria-label": this.getAttribute("aria-label") || "Sections", onkeydown: (event) => this.#press(event) });
    list.append(...this.#tabs);
    this.prepend(list);
    this.show(0);
  }

  #tab(panel, index) {
    const tab = node("button", { type: "button", role: "tab", id: fresh("tab"), onclick: () => this.show(index), dir: "auto" }, panel.getAttribute("header") || `Section ${index + 1}`);
    panel.id ||= fresh("panel");
    tab.setAttribute("aria-controls", panel.id);
    for (const [name, value] of Object.entries({ role: "tabpanel", tabindex: "0", "aria-labelledby": tab.id })) panel.setAttribute(name, value);
    return tab;
  }

  show(index) {
    for (const [at, tab] of this.#tabs.entries()) {
      tab.setAttribute("aria-selected", String(at === index));
      tab.tabIndex = at === index ? 0 : -1;
      this.#panels[at].hidden = at !== index;
    }
  }

  #press(event) {
    const at = this.#tabs.indexOf(document.activeElement);
    const ahead = getComputedStyle(this).direction === "rtl" ? -1 : 1;
    const to = { ArrowRight: at + ahead, ArrowLeft: at - ahead, Home: 0, End: this.#tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const index = (to + this.#tabs.length) % this.#tabs.length;
    this.show(index);
    this.#tabs[index].focus();
  }
}

export const tags = { "crowd-card": Card, "crowd-alert": Alert, "crowd-badge": Badge, "crowd-tabs": Tabs };
