// <broker-relations>: entities in a text, and labelled arrows between them.

import { svg } from "./draw.js";
import { Marks } from "./marks.js";
import { Palette } from "./palette.js";
import { node, pictured } from "./parts.js";

class Relations extends Marks {
  #source = null; // the id of the span an arrow begins at
  #arcs = svg("svg", { class: "crowd-arcs", "aria-hidden": "true" });
  #watch = new ResizeObserver(() => this.#arch());

  draw() {
    this.help = [...this.help, ["R", "relate what is selected: then choose the other mark, Space confirms"]];
    this.relating = node("button", { type: "button", class: "crowd-with-words", "aria-pressed": "false", onclick: () => this.relate() }, "Relate");
    this.relations = new Palette(this.read("relation-labels", ["related"]), { title: "Relation", pick: () => this.hush() });
    this.arrows = node("ol", { class: "crowd-list", "aria-label": "Relations" });
    super.draw();
    if (this.fixed) this.palette.node.remove();
    this.side.append(this.relations.node);
    this.tools.append(this.relating);
    this.rest.prepend(this.arrows);
    this.#watch.observe(this.view);
    this.redraw();
  }

  get fixed() { return this.flag("fixed-entities"); }
  get heading() { return "Entity"; }

  vanish() {
    super.vanish();
    this.#watch.disconnect();
  }

  appear() {
    super.appear();
    this.#watch.observe(this.view);
  }

  parse(given) {
    const entities = given?.entities ?? [];
    const spans = entities.map(({ startOffset, endOffset, label }) => this.span({ start: startOffset, end: endOffset }, String(label)));
    const ids = new Map(entities.map(({ id }, at) => [id, spans[at].id]));
    const links = (given?.relations ?? []).filter(({ from, to }) => ids.has(from) && ids.has(to)).map(({ from, to, label }) => ({ from: ids.get(from), to: ids.get(to), label: String(label) }));
    return { spans, links };
  }

  dump() {
    const ids = new Map(this.spans.map(({ id }, at) => [id, `T${at + 1}`]));
    return {
      entities: this.spans.map(({ id, start, end, label }) => ({ id: ids.get(id), label, startOffset: start, endOffset: end })),
      relations: this.links.map(({ from, to, label }) => ({ from: ids.get(from), to: ids.get(to), label })),
    };
  }

  press(key) {
    if (this.#source !== null || this.fixed ? this.relations.press(key) : this.palette.press(key)) return true;
    if (key !== "r" || this.selected < 0) return false;
    this.relate();
    return true;
  }

  /** Begin an arrow at what is selected, or give it up. */
  relate() {
    const span = this.spans[this.selected];
    if (this.#source === null && !span) {
      this.complain("Select a mark first, then press Relate, then choose the other mark.");
      return;
    }
    this.#source = this.#source === null ? span.id : null;
    this.hush();
    this.redraw();
    this.say(this.#source === null ? "No relation." : `From ${this.words(span)}: choose the other mark.`);
  }

  chose(at) {
    if (this.#source === null && this.fixed && this.selected >= 0 && this.selected !== at) this.#source = this.spans[this.selected].id;
    if (this.#source === null || this.spans[at].id === this.#source) super.chose(at);
    else this.#link(this.spans[at]);
  }

  space() {
    const span = this.spans[this.selected];
    if (this.#source === null || !span || span.id === this.#source) return super.space();
    this.#link(span);
    return true;
  }

  escape() {
    this.#source = null;
    return super.escape();
  }

  #link(to) {
    const link = { from: this.#source, to: to.id, label: this.relations.value };
    this.#source = null;
    if (!this.links.some((old) => JSON.stringify(old) === JSON.stringify(link))) {
      this.links.push(link);
      this.commit();
    }
    this.select(-1);
    this.focus();
    this.say(this.#told(link));
  }

  #told({ from, to, label }) {
    const said = (id) => this.words(this.spans.find((span) => span.id === id));
    return `${said(from)} → ${this.relations.find(label).full} → ${said(to)}`;
  }

  put(state) {
    this.#source = null;
    super.put(state);
  }

  redraw() {
    super.redraw();
    this.view.append(this.#arcs);
    this.relating.setAttribute("aria-pressed", String(this.#source !== null));
    this.arrows.replaceChildren(...this.links.map((link, at) => node("li", {}, node("span", { class: "crowd-item" }, node("bdi", {}, this.#told(link))),
      pictured("trash", `Remove ${this.#told(link)}`, () => { this.links = this.links.toSpliced(at, 1); this.commit(); this.redraw(); this.focus(); }, "crowd-item-delete"))));
    this.arrows.hidden = !this.links.length;
    this.#arch();
  }

  #arch() {
    const home = this.view.getBoundingClientRect();
    const place = (id) => {
      const box = this.view.querySelector(`[data-span="${id}"]`)?.getBoundingClientRect();
      return box && { x: box.left + box.width / 2 - home.left + this.view.scrollLeft, y: box.top - home.top + this.view.scrollTop };
    };
    const drawn = this.links.flatMap(({ from, to, label }) => this.#arc(place(from), place(to), this.relations.colour(label)));
    this.#arcs.replaceChildren(...drawn);
    this.#arcs.style.blockSize = `${this.view.scrollHeight}px`;
  }

  #arc(from, to, colour) {
    if (!from || !to) return [];
    const high = Math.min(from.y, to.y) - 12 - Math.min(16, Math.abs(to.x - from.x) / 16);
    const head = `M${to.x - 4} ${to.y - 7}L${to.x} ${to.y - 1}L${to.x + 4} ${to.y - 7}`;
    const body = `M${from.x} ${from.y - 1}C${from.x} ${high} ${to.x} ${high} ${to.x} ${to.y - 1}`;
    return [svg("path", { d: body, stroke: colour }), svg("path", { d: head, stroke: colour })];
  }
}

export const tags = { "broker-relations": Relations };
