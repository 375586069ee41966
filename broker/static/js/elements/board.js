// The base of everything that is drawn on an image: question, labels, surface, tools, the list of what is there, undo and redo.

import { Field } from "./field.js";
import { frame } from "./frame.js";
import { History } from "./history.js";
import { leave, take } from "./keys.js";
import { Palette } from "./palette.js";
import { Surface } from "./surface.js";

const HELP = [
  ["Arrows", "move the crosshair, or what is selected; with Shift by one pixel"],
  ["Space", "sets a point at the crosshair"],
  ["Enter, Esc", "finish or cancel what you draw"],
  ["Page Up, Page Down", "select the one before or after; Home, End: its points"],
  ["Delete", "removes what is selected; Insert adds a point"],
  ["1 to 9, 0", "choose a label, also for what is selected"],
  ["+ −", "zoom; Ctrl Z and Ctrl Y undo and redo"],
  ["Touch", "tap where each point belongs; two fingers zoom"],
];

/** A subclass has state, put(state), parse(given), dump(), build(), redraw(), picked(label) and the methods of a surface's tool. */
export class Board extends Field {
  help = HELP;
  #history = new History([]);
  initial = null;

  draw() {
    this.palette = new Palette(this.read("labels", []), { own: this.read("label-colors", []), pick: (label) => { this.hush(); this.picked(label); } });
    const name = this.getAttribute("header") || "The image to draw on";
    Object.assign(this, frame(this, { name, how: "How to draw", help: this.help, listed: "What is drawn" }));
    const size = [this.getAttribute("image-width"), this.getAttribute("image-height")].map(Number);
    this.surface = new Surface({ src: this.getAttribute("src") ?? "", size: size.every((one) => one > 0) ? size : null, name: `Image: ${name}`, hint: this.hint, tool: this });
    this.bar.append(this.surface.zooms);
    this.field.append(this.surface.node);
    this.build();
    if (this.hasAttribute("initial-value")) this.initial = this.read("initial-value", null);
    this.answer = undefined;
    this.#deaf();
  }

  /** The keys of the surface's tool are not the page's: a Space here scrolls nothing, an Escape closes nothing. */
  #deaf() {
    this.surface.view.addEventListener("keydown", (event) => { if (event.defaultPrevented) event.stopPropagation(); });
  }

  appear() { take(this); }
  vanish() {
    leave(this);
    this.surface.watch.disconnect();
  }

  focus(options) { this.surface?.view.focus(options); }

  press(key) {
    if (key === "+" || key === "=") this.surface.zoom(1);
    else if (key === "-") this.surface.zoom(-1);
    else return this.palette.press(key);
    return true;
  }

  // ---- changes ----

  /** What is there now has been changed by the worker. */
  commit() {
    this.#history.push(this.state);
    this.changed();
    this.offered();
  }

  undo() { return this.#turn(-1, "Undone."); }
  redo() { return this.#turn(1, "Done again."); }

  #turn(by, said) {
    const state = this.#history.step(by);
    if (!state) return false;
    this.put(state);
    this.changed();
    this.surface.say(said);
    return true;
  }

  get undoable() { return this.#history.undoable; }
  get redoable() { return this.#history.redoable; }
  get modified() { return JSON.stringify(this.parse(this.initial)) !== JSON.stringify(this.state); }

  offered() {
    this.undoing.disabled = !this.undoable;
    this.redoing.disabled = !this.redoable;
  }

  listed(lines) {
    this.list.replaceChildren(...lines);
    this.list.hidden = !lines.length;
  }

  // ---- answers ----

  set answer(given) {
    const state = this.parse(given ?? this.initial);
    this.put(state);
    this.#history.reset(this.state);
    this.hush();
    this.offered();
  }

  get answer() { return this.framed(this.dump()); }

  /** An answer with the size of the image, and whether what was there at first has been changed. */
  framed(own) {
    const { width, height } = this.surface;
    const modified = this.initial === null ? {} : { initialValueModified: this.modified };
    return { ...own, inputImageProperties: { height: height ?? 0, width: width ?? 0 }, ...modified };
  }

  check(now) {
    if (!this.surface.ready) return this.complain("The image has not been loaded yet.");
    if (this.busy) return this.complain(this.busy);
    return this.blank ? this.confirm(this.blank, now) : true;
  }
}
