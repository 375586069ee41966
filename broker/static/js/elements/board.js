// The base of everything that is drawn on an image: question, labels, surface, tools, the list of what is there, undo and redo.

import { frame } from "./frame.js";
import { Palette } from "./palette.js";
import { Surface } from "./surface.js";
import { Undoable } from "./undoable.js";

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
export class Board extends Undoable {
  help = HELP;
  initial = null;

  draw() {
    this.palette = new Palette(this.read("labels", []), { own: this.read("label-colors", []), pick: (label) => { this.hush(); this.picked(label); } });
    const name = this.getAttribute("header") || "The image to draw on";
    Object.assign(this, frame(this, { name, how: "How to draw", help: this.help, listed: "What is drawn" }));
    const size = [this.getAttribute("image-width"), this.getAttribute("image-height")].map(Number);
    this.surface = new Surface({ src: this.getAttribute("src") ?? "", srcset: this.getAttribute("srcset"), size: size.every((one) => one > 0) ? size : null, name: `Image: ${name}`, hint: this.hint, tool: this });
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

  appear() {
    super.appear();
    if (this.surface.ready) this.surface.watch.observe(this.surface.node);
  }

  vanish() {
    super.vanish();
    this.surface?.watch.disconnect();
  }

  say(text) { this.surface.say(text); }

  focus(options) { this.surface?.view.focus(options); }

  press(key) {
    if (key === "+" || key === "=") this.surface.zoom(1);
    else if (key === "-") this.surface.zoom(-1);
    else return this.palette.press(key);
    return true;
  }

  get modified() { return JSON.stringify(this.parse(this.initial)) !== JSON.stringify(this.state); }

  listed(lines) {
    this.list.replaceChildren(...lines);
    this.list.hidden = !lines.length;
  }

  // ---- answers ----

  set answer(given) { this.start(this.parse(given ?? this.initial)); }
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
