// <broker-ranking>: things put in order, the best first; by buttons, by keys, or by dragging.

import { icon, node, pictured } from "./parts.js";
import { Undoable } from "./undoable.js";

class Ranking extends Undoable {
  #items = new Map();
  #order = [];
  #first = [];
  #dragged = null;

  draw() {
    const items = this.read("items", []).map((one) => (one !== null && typeof one === "object" ? one : { text: one }));
    this.#items = new Map(items.map((one) => [String(one.value ?? one.text), one]));
    this.#first = [...this.#items.keys()];
    this.list = node("ol", { class: "crowd-ranks", onpointermove: (event) => this.#move(event), onpointerup: () => this.#drop(), onpointercancel: () => this.#drop() });
    this.status = node("p", { class: "sr-only", role: "status" });
    this.undoing = pictured("undo", "Undo", () => this.undo());
    this.redoing = pictured("undo", "Redo", () => this.redo(), "crowd-redo");
    this.append(node("fieldset", { class: "crowd-answer", tabIndex: -1 }, node("legend", { dir: "auto" }, this.getAttribute("header") ?? ""),
      node("p", { class: "crowd-hint" }, "The best first."), this.line, node("div", { class: "crowd-tools", role: "group", "aria-label": "Changes" }, this.undoing, this.redoing), this.list, this.status));
    this.answer = undefined;
  }

  focus(options) { this.list?.querySelector(".crowd-grip")?.focus(options); }

  press() { return false; }

  #row(value, at) {
    const { text, src } = this.#items.get(value);
    const name = String(text ?? value);
    const place = `${at + 1} of ${this.#order.length}`;
    const grip = node("button", { type: "button", class: "crowd-grip", "aria-label": `${name}, place ${place}: move with the arrow keys`, onkeydown: (event) => this.#key(event, at), onpointerdown: (event) => this.#grab(event, value) }, icon("menu"));
    return node("li", { class: value === this.#dragged ? "crowd-rank crowd-current" : "crowd-rank", "data-value": value }, grip, node("span", { class: "crowd-place", "aria-hidden": "true" }, String(at + 1)),
      src && node("img", { src, alt: text ? "" : name, draggable: false }), node("span", { class: "crowd-name", dir: "auto" }, name),
      node("button", { type: "button", class: "crowd-item-delete crowd-up", "aria-label": `Move ${name} up`, disabled: at === 0, onclick: () => this.#act(at, at - 1) }, icon("down")),
      node("button", { type: "button", class: "crowd-item-delete", "aria-label": `Move ${name} down`, disabled: at === this.#order.length - 1, onclick: () => this.#act(at, at + 1) }, icon("down")));
  }

  #key(event, at) {
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.#order.length - 1 }[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.#act(at, to);
  }

  #act(from, to) {
    if (to < 0 || to >= this.#order.length || from === to) return;
    this.#order = this.#moved(from, to);
    this.#settle();
    const value = this.#order[to];
    this.status.textContent = `${this.#items.get(value).text ?? value}: place ${to + 1} of ${this.#order.length}`;
  }

  #moved(from, to) { return this.#order.toSpliced(from, 1).toSpliced(to, 0, this.#order[from]); }

  #settle() {
    this.#show();
    this.commit();
  }

  #grab(event, value) {
    if (event.button !== 0) return;
    this.#dragged = value;
    this.list.setPointerCapture(event.pointerId);
  }

  #move(event) {
    if (this.#dragged === null) return;
    const rows = [...this.list.children];
    const from = this.#order.indexOf(this.#dragged);
    const to = rows.findIndex((row) => event.clientY < row.getBoundingClientRect().bottom);
    const at = to < 0 ? rows.length - 1 : to;
    if (at === from) return;
    this.#order = this.#moved(from, at);
    this.#show();
  }

  #drop() {
    if (this.#dragged === null) return;
    this.#dragged = null;
    this.#settle();
  }

  /** The focus stays with its item, wherever that has gone. */
  #show() {
    const row = document.activeElement?.closest(".crowd-rank");
    const held = this.list.contains(row) ? { value: row.dataset.value, at: [...row.querySelectorAll("button")].indexOf(document.activeElement) } : null;
    this.list.replaceChildren(...this.#order.map((value, at) => this.#row(value, at)));
    const buttons = held ? this.list.children[this.#order.indexOf(held.value)].querySelectorAll("button") : [];
    (buttons[held?.at]?.disabled ? buttons[0] : buttons[held?.at])?.focus();
  }

  get state() { return this.#order; }

  put(order) {
    this.#order = order;
    this.#show();
  }

  get answer() { return { ranking: [...this.#order] }; }

  set answer(given) {
    const first = given ?? this.read("initial-value", null);
    const wanted = (Array.isArray(first) ? first : first?.ranking ?? []).map(String).filter((value) => this.#items.has(value));
    this.touched = wanted.length > 0;
    this.start([...new Set([...wanted, ...this.#first])]);
  }

  check(now) {
    if (this.touched || this.undoable) return true;
    return this.confirm("The order is as it was given. Submit again if it is right.", now);
  }
}

export const tags = { "broker-ranking": Ranking };
