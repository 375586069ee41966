// The base of everything that is marked in a text: words to select, spans with labels, their list, undo and redo.

import { on } from "./draw.js";
import { frame } from "./frame.js";
import { Palette } from "./palette.js";
import { node, pictured } from "./parts.js";
import { Undoable } from "./undoable.js";
import { edges, words } from "./words.js";

const HELP = [
  ["Mouse", "drag over words, or click the first and the last one"],
  ["Touch", "tap the first and the last word; one word: tap it twice"],
  ["Arrows", "move by words; with Shift they select"],
  ["Space", "marks what is selected with the label"],
  ["1 to 9, 0", "choose a label, also for what is selected"],
  [", and .", "move the end of a mark by one character; with Shift its start"],
  ["Page Up, Page Down", "select a mark; Delete removes it"],
  ["Ctrl Z, Ctrl Y", "undo and redo"],
];
const sorted = (spans) => spans.sort((one, other) => one.start - other.start || one.end - other.end);

/** The state is {spans: [{id, start, end, label}], links: [{from, to, label}]}; a subclass has parse(given) and dump(). */
export class Marks extends Undoable {
  help = HELP;
  spans = [];
  links = [];
  selected = -1;
  #words = [];
  #edges = [];
  #points = [];
  #stops = []; // indexes of the words that are no blanks
  #at = 0; // the stop where the keys are
  #range = null; // [from, to], stops
  #anchor = null; // the stop of a first click or tap
  #press = null;
  #ids = 0;

  draw() {
    const text = this.getAttribute("text") ?? "";
    this.#points = [...text];
    this.#words = words(text, this.closest("[lang]")?.lang);
    this.#edges = edges(text);
    this.#stops = this.#words.flatMap(({ blank }, index) => (blank ? [] : [index]));
    this.palette = new Palette(this.labels(), { title: this.heading, own: this.read("label-colors", []), pick: (label) => this.picked(label) });
    this.#assemble();
    this.answer = undefined;
  }

  labels() { return this.read("labels", []); }

  get heading() { return "Label"; }

  #assemble() {
    const name = this.getAttribute("header") || "Mark the text";
    const step = (icon, text, side, by) => pictured(icon, text, () => { this.#stretch(side, by); this.focus(); });
    Object.assign(this, frame(this, { name, how: "How to mark", help: this.help, listed: "What is marked" }));
    this.view = node("div", { class: "crowd-words", tabIndex: 0, dir: "auto", role: "application", "aria-label": `Text: ${name}`, "aria-describedby": this.hint });
    this.status = node("p", { class: "sr-only", role: "status" });
    this.edges = node("div", { class: "crowd-tools", role: "group", "aria-label": "Edges of the mark" },
      node("span", { "aria-hidden": "true" }, "Start"), step("back", "Start one character earlier", "start", -1), step("next", "Start one character later", "start", 1),
      node("span", { "aria-hidden": "true" }, "End"), step("back", "End one character earlier", "end", -1), step("next", "End one character later", "end", 1));
    this.bar.append(this.edges);
    this.field.append(this.view, this.status);
    this.#listen();
  }

  #listen() {
    const { view } = this;
    const stop = (event) => this.#stopAt(document.elementFromPoint(event.clientX, event.clientY));
    view.addEventListener("pointerdown", (event) => { this.#press = event.button === 0 && !event.target.closest("button") ? { type: event.pointerType, from: stop(event) } : null; });
    view.addEventListener("pointermove", (event) => {
      if (this.#press?.type !== "mouse" || this.#press.from === null) return;
      const to = stop(event);
      if (to !== null && (to !== this.#press.from || this.#press.moved)) this.#dragged(to);
    });
    view.addEventListener("pointerup", () => { if (this.#press?.moved) this.mark(); });
    view.addEventListener("click", (event) => {
      const moved = this.#press?.moved;
      this.#press = null;
      const at = this.#stopAt(event.target);
      if (!moved && at !== null) this.#tapped(at);
    });
    view.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target !== view || !this.key(event)) return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  focus(options) { this.view?.focus(options); }

  say(text) { this.status.textContent = text; }

  press(key) { return this.palette.press(key); }

  words(span) { return this.#points.slice(span.start, span.end).join(""); }

  // ---- selecting ----

  #stopAt(element) {
    const piece = element?.closest?.("[data-word]");
    if (!piece || !this.view.contains(piece)) return null;
    const at = this.#stops.indexOf(Number(piece.dataset.word));
    return at < 0 ? null : at;
  }

  #dragged(to) {
    this.#press.moved = true;
    this.#anchor = null;
    this.#range = [this.#press.from, to];
    this.#at = to;
    this.#lit();
  }

  #tapped(at) {
    this.focus({ preventScroll: true });
    this.#at = at;
    if (this.fixed) return;
    if (this.#anchor === null) {
      this.select(-1);
      this.#anchor = at;
      this.#range = [at, at];
      this.say(`From ${this.#words[this.#stops[at]].text}: choose the last word.`);
      this.#lit();
    } else {
      this.#range = [this.#anchor, at];
      this.mark();
    }
  }

  #chosen() {
    const [from, to] = (this.#range ?? [this.#at, this.#at]).toSorted((a, b) => a - b);
    return { start: this.#words[this.#stops[from]].start, end: this.#words[this.#stops[to]].end };
  }

  key(event) {
    const ahead = getComputedStyle(this.view).direction === "rtl" ? -1 : 1;
    const by = { ArrowRight: ahead, ArrowLeft: -ahead }[event.key];
    if (by) return this.#go(this.#at + by, event.shiftKey);
    if (event.code === "Comma" || event.code === "Period") return this.#stretch(event.shiftKey ? "start" : "end", event.code === "Comma" ? -1 : 1);
    const acts = {
      ArrowDown: () => this.#go(this.#beside(1), event.shiftKey), ArrowUp: () => this.#go(this.#beside(-1), event.shiftKey),
      Home: () => this.#go(0, event.shiftKey), End: () => this.#go(this.#stops.length - 1, event.shiftKey),
      " ": () => this.space(), Escape: () => this.escape(),
      Delete: () => this.erase(), Backspace: () => this.erase(),
      PageDown: () => this.#turn(1), PageUp: () => this.#turn(-1),
    };
    return acts[event.key]?.() ?? false;
  }

  space() {
    if (!this.fixed) this.mark();
    return true;
  }

  escape() {
    this.select(-1);
    return true;
  }

  #go(to, extend) {
    const at = Math.min(this.#stops.length - 1, Math.max(0, to));
    if (at < 0 || !this.#stops.length) return false;
    this.#range = extend ? [this.#range?.[0] ?? this.#at, at] : null;
    this.#anchor = null;
    this.#at = at;
    if (this.selected >= 0) this.select(-1, true);
    this.#lit();
    this.view.querySelector(".crowd-at")?.scrollIntoView({ block: "nearest" });
    this.say(extend ? `Selected: ${this.words(this.#chosen())}` : this.#heard(at));
    return true;
  }

  #heard(at) {
    const { start, end, text } = this.#words[this.#stops[at]];
    const labels = this.spans.filter((span) => span.start < end && start < span.end).map(({ label }) => this.palette.find(label).full);
    return labels.length ? `${text}, ${labels.join(", ")}` : text;
  }

  /** The stop on the line above or below that is nearest. */
  #beside(by) {
    const boxes = this.#stops.map((index) => this.view.querySelector(`[data-word="${index}"]`).getBoundingClientRect());
    const here = boxes[this.#at];
    const lines = boxes.map((box, at) => ({ at, down: (box.top - here.top) * by, aside: Math.abs(box.left - here.left) })).filter(({ down }) => down > 4);
    const next = Math.min(...lines.map(({ down }) => down));
    return lines.filter(({ down }) => down < next + 4).toSorted((a, b) => a.aside - b.aside)[0]?.at ?? this.#at;
  }

  // ---- changing ----

  /** Mark what is selected with the label; a span like an old one only selects that. */
  mark() {
    const place = this.#chosen();
    const label = this.palette.value;
    this.#range = null;
    this.#anchor = null;
    const old = this.spans.findIndex((span) => span.start === place.start && span.end === place.end && span.label === label);
    if (old < 0 && this.flag("no-overlap") && this.spans.some((span) => span.start < place.end && place.start < span.end)) {
      this.complain("This overlaps with what is marked already: remove that first.");
      this.#lit();
      return;
    }
    const span = old < 0 ? this.span(place, label) : this.spans[old];
    if (old < 0) {
      this.spans.push(span);
      sorted(this.spans);
      this.commit();
    }
    // Not selected: the next label chosen is that of the next mark.
    this.select(old, true);
    this.say(`${this.palette.find(label).full}: ${this.words(span)}`);
  }

  span({ start, end }, label) { return { id: (this.#ids += 1), start, end, label }; }

  picked(label) {
    this.hush();
    const span = this.spans[this.selected];
    if (this.#range) {
      this.mark();
    } else if (span && span.label !== label && !this.fixed) {
      span.label = label;
      this.commit();
      this.redraw();
      this.say(`Now ${this.palette.find(label).full}.`);
    }
  }

  #stretch(side, by) {
    const span = this.spans[this.selected];
    if (!span || this.fixed) return false;
    const to = this.#edges[this.#edges.findLastIndex((edge) => edge <= span[side]) + by];
    const next = { ...span, [side]: to };
    if (to === undefined || next.start >= next.end) return true;
    if (this.flag("no-overlap") && this.spans.some((other) => other !== span && other.start < next.end && next.start < other.end)) return true;
    Object.assign(span, next);
    sorted(this.spans);
    this.commit();
    this.select(this.spans.indexOf(span));
    return true;
  }

  erase() {
    const span = this.spans[this.selected];
    if (!span || this.fixed) return false;
    this.spans.splice(this.selected, 1);
    this.links = this.links.filter(({ from, to }) => from !== span.id && to !== span.id);
    this.commit();
    this.select(-1);
    this.say(`Removed: ${this.words(span)}`);
    return true;
  }

  #turn(by) {
    const count = this.spans.length;
    if (!count) return false;
    this.select(this.selected < 0 ? (by > 0 ? 0 : count - 1) : (this.selected + by + count) % count);
    return true;
  }

  select(at, quiet = false) {
    this.selected = at;
    this.#anchor = null;
    const span = this.spans[at];
    if (span) {
      this.#range = null;
      this.palette.value = span.label;
      this.#at = Math.max(0, this.#stops.findIndex((index) => this.#words[index].end > span.start));
    }
    this.redraw();
    if (!quiet) this.say(span ? `${this.palette.find(span.label).full}: ${this.words(span)}, ${at + 1} of ${this.spans.length}` : "");
  }

  get state() { return { spans: this.spans, links: this.links }; }

  put(state) {
    [this.spans, this.links] = [state.spans, state.links];
    this.#range = null;
    this.select(-1, true);
  }

  set answer(given) {
    const { spans, links = [] } = this.parse(given ?? this.read("initial-value", null));
    const inside = ({ start, end }) => Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= this.#points.length;
    const kept = spans.filter(inside);
    const ids = new Set(kept.map(({ id }) => id));
    this.start({ spans: sorted(kept), links: links.filter(({ from, to }) => ids.has(from) && ids.has(to)) });
  }

  get answer() { return this.dump(); }

  check(now) {
    if (this.#anchor !== null) return this.complain("Choose the last word of what you mark, or press Escape.");
    return this.spans.length ? true : this.confirm("Nothing is marked. Submit again if there is nothing to mark.", now);
  }

  // ---- the picture ----

  redraw() {
    const cuts = [...new Set(this.spans.flatMap(({ start, end }) => [start, end]))].toSorted((a, b) => a - b);
    const ends = Map.groupBy(this.spans.keys(), (at) => this.spans[at].end);
    const drawn = [];
    for (const [index, word] of this.#words.entries()) {
      const within = [word.start, ...cuts.filter((cut) => cut > word.start && cut < word.end), word.end];
      for (const [at, start] of within.slice(0, -1).entries()) {
        drawn.push(this.#piece(index, start, within[at + 1]), ...(ends.get(within[at + 1]) ?? []).map((span) => this.#tag(span)));
      }
    }
    this.view.replaceChildren(...drawn);
    this.#lit();
    this.list.replaceChildren(...this.spans.map((span, at) => this.#item(span, at)));
    this.list.hidden = !this.spans.length;
    this.erasing.disabled = this.edges.hidden = this.selected < 0 || Boolean(this.fixed);
    this.offered();
  }

  #piece(index, start, end) {
    const piece = node("span", { class: "crowd-piece" }, this.#points.slice(start, end).join(""));
    piece.dataset.word = index;
    const over = this.spans.filter((span) => span.start < end && start < span.end);
    if (!over.length) return piece;
    const hues = over.map(({ label }) => this.palette.colour(label));
    piece.classList.add("crowd-marked");
    piece.classList.toggle("crowd-marked-current", over.includes(this.spans[this.selected]));
    piece.style.setProperty("--mark", hues.at(-1));
    piece.style.boxShadow = hues.map((hue, at) => `inset 0 -${3 * (hues.length - at)}px ${hue}`).toReversed().join(", ");
    return piece;
  }

  #tag(at) {
    const span = this.spans[at];
    const { full, short } = this.palette.find(span.label);
    const tag = node("button", { type: "button", class: "crowd-mark", "aria-pressed": String(at === this.selected), "aria-label": `${full}: ${this.words(span)}`, onclick: () => this.chose(at) }, short);
    tag.dataset.span = span.id;
    const hue = this.palette.colour(span.label);
    tag.style.backgroundColor = hue;
    tag.style.color = on(hue);
    return tag;
  }

  /** A mark was clicked. */
  chose(at) {
    this.select(at === this.selected ? -1 : at);
    this.view.querySelector(`[data-span="${this.spans[at].id}"]`)?.focus();
  }

  #item(span, at) {
    const chip = node("span", { class: "crowd-chip", "aria-hidden": "true" });
    chip.style.backgroundColor = this.palette.colour(span.label);
    return node("li", { class: at === this.selected ? "crowd-current" : "" },
      node("button", { type: "button", class: "crowd-item", "aria-pressed": String(at === this.selected), onclick: () => this.select(at) },
        chip, node("bdi", { class: "crowd-item-name" }, this.words(span)), node("span", { class: "crowd-item-about" }, this.palette.find(span.label).full)),
      !this.fixed && pictured("trash", `Remove ${this.words(span)}`, () => { this.select(at, true); this.erase(); this.focus(); }, "crowd-item-delete"));
  }

  /** Show where the keys are and what is selected. */
  #lit() {
    const [from, to] = (this.#range ?? [0, -1]).toSorted((a, b) => a - b);
    const [first, last] = this.#range ? [this.#stops[from], this.#stops[to]] : [0, -1];
    for (const piece of this.view.querySelectorAll("[data-word]")) {
      const at = Number(piece.dataset.word);
      piece.classList.toggle("crowd-selected", at >= first && at <= last);
      piece.classList.toggle("crowd-at", at === this.#stops[this.#at]);
    }
  }
}
