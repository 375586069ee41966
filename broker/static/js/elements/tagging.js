// <broker-token-tagging>: a tag for every token of a text, as parts of speech.

import { frame } from "./frame.js";
import { Palette } from "./palette.js";
import { fresh, node } from "./parts.js";
import { Undoable } from "./undoable.js";
import { tokens } from "./words.js";

const HELP = [
  ["1 to 9, 0, a …", "tag the token and go on to the next"],
  ["Arrows, Home, End", "move; Delete takes a tag off"],
  ["Mouse, touch", "a token, then a tag"],
  ["Ctrl Z, Ctrl Y", "undo and redo"],
];

class Tagging extends Undoable {
  #tokens = [];
  #marks = [];
  #options = [];
  #at = 0;

  draw() {
    const name = this.getAttribute("header") || "Tag every word";
    this.#tokens = tokens(this.getAttribute("text") ?? "", this.read("tokens", null), this.closest("[lang]")?.lang);
    this.palette = new Palette(this.read("labels", []), { title: "Tag", own: this.read("label-colors", []), pick: (label) => { this.#tag(label); } });
    Object.assign(this, frame(this, { name, how: "How to tag", help: HELP, listed: "Tokens" }));
    this.view = node("div", { class: "crowd-tokens", role: "listbox", tabIndex: 0, dir: "auto", "aria-label": name, "aria-describedby": this.hint, "aria-orientation": "horizontal", onkeydown: (event) => this.#key(event) });
    this.#options = this.#tokens.map((token, at) => node("div", { class: "crowd-token", role: "option", id: fresh("token"), onclick: () => { this.#go(at); this.focus(); } }, node("bdi", {}, token.text), node("span", { class: "crowd-token-tag" })));
    this.view.append(...this.#options);
    this.erasing.remove();
    this.progress = node("span", { class: "crowd-item-about" });
    this.bar.append(node("div", { class: "crowd-tools" }, this.progress));
    this.field.append(this.view);
    this.answer = undefined;
  }

  focus(options) { this.view?.focus(options); }

  press(key) { return this.palette.press(key); }

  #tag(label) {
    this.#marks = this.#marks.with(this.#at, label);
    this.commit();
    if (label !== null) this.#go(this.#at + 1);
    else this.#show();
    this.focus({ preventScroll: true });
  }

  #go(to) {
    this.#at = Math.min(this.#tokens.length - 1, Math.max(0, to));
    this.#show();
    this.#options[this.#at]?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const ahead = getComputedStyle(this.view).direction === "rtl" ? -1 : 1;
    const to = { ArrowRight: this.#at + ahead, ArrowLeft: this.#at - ahead, Home: 0, End: this.#tokens.length - 1 }[event.key];
    if (to !== undefined) this.#go(to);
    else if (event.key === "Delete" || event.key === "Backspace") this.#tag(null);
    else return;
    event.preventDefault();
  }

  #show() {
    for (const [at, option] of this.#options.entries()) {
      const mark = this.#marks[at];
      option.setAttribute("aria-selected", String(at === this.#at));
      option.setAttribute("aria-label", `${this.#tokens[at].text}, ${mark === null ? "no tag" : this.palette.find(mark).full}`);
      option.lastChild.textContent = mark === null ? "–" : this.palette.find(mark).short;
      option.style.setProperty("--mark", mark === null ? "var(--line)" : this.palette.colour(mark));
    }
    if (this.#options.length) this.view.setAttribute("aria-activedescendant", this.#options[this.#at].id);
    this.progress.textContent = `${this.#marks.filter((mark) => mark !== null).length} of ${this.#tokens.length} tagged`;
  }

  get state() { return this.#marks; }

  put(marks) {
    this.#marks = marks;
    this.#show();
  }

  get answer() {
    return { tokens: this.#tokens.map(({ start, end, text }, at) => ({ startOffset: start, endOffset: end, text, tag: this.#marks[at] })) };
  }

  set answer(given) {
    const first = given ?? this.read("initial-value", null);
    const tags = new Map((Array.isArray(first) ? first : first?.tokens ?? []).map(({ startOffset, tag }) => [startOffset, tag]));
    this.#at = 0;
    this.start(this.#tokens.map(({ start }) => (this.palette.has(tags.get(start)) ? tags.get(start) : null)));
  }

  check() {
    const missing = this.#marks.filter((mark) => mark === null).length;
    if (!missing || this.flag("optional")) return true;
    this.#go(this.#marks.indexOf(null));
    this.focus();
    return this.complain(missing === 1 ? "One token has no tag yet." : `${missing} tokens have no tag yet.`);
  }
}

export const tags = { "broker-token-tagging": Tagging };
