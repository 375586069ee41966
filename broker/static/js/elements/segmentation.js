// <crowd-semantic-segmentation>: a label for each pixel. <crowd-instance-segmentation>: each object on its own.

import { Board } from "./board.js";
import { colours, on, rgb, svg } from "./draw.js";
import { Mask } from "./mask.js";
import { fresh, node, pictured } from "./parts.js";
import { decode, encode } from "./rle.js";
import { trace } from "./shapes.js";

const INSTANCES = 254; // what a byte for each pixel can tell apart, without "none"
const NEAR = 10; // screen pixels within which a click meets the first point of a polygon
const TOOLS = [["brush", "Brush", "B"], ["eraser", "Eraser", "E"], ["polygon", "Polygon", "G"]];
const HELP = [
  ["Mouse, touch", "paint by dragging, dab by a click or tap; Polygon fills what its points enclose"],
  ["Arrows", "move the crosshair, with Shift by one pixel"],
  ["Space", "puts the brush down and lifts it, or sets a point"],
  ["Enter, Esc", "fill the polygon, or give it up"],
  [", and .", "a smaller or larger brush"],
  ["1 to 9, 0", "choose a label"],
  ["+ −", "zoom; Ctrl Z and Ctrl Y undo and redo"],
];

class Segmentation extends Board {
  help = HELP;
  mask = null;
  current = 0; // the value that is painted; 0: the next stroke begins an instance
  #tool = "brush";
  #draft = [];
  #hover = null;
  #last = null; // where the stroke is
  #down = false; // whether keys have put the brush down
  #given;

  build() {
    this.canvas = node("div", { class: "crowd-mask" });
    this.surface.svg.before(this.canvas);
    this.top = svg("g");
    this.surface.svg.append(this.top, this.surface.cross);
    const id = fresh("size");
    this.size = node("input", { type: "range", id, min: 1, max: 100, value: 12, class: "crowd-range", "aria-label": "Size of the brush" });
    this.switches = TOOLS.map(([tool, name]) => node("button", { type: "button", class: "crowd-with-words", "aria-pressed": "false", onclick: () => { this.#use(tool); this.focus(); } }, name));
    this.tools.after(node("div", { class: "crowd-tools", role: "group", "aria-label": "Tools" }, ...this.switches), node("div", { class: "crowd-tools crowd-size" }, this.size));
    this.finishing = node("div", { class: "crowd-finish", hidden: true },
      node("button", { type: "button", class: "button button-small button-primary", onclick: () => this.#finish() }, "Fill"),
      node("button", { type: "button", class: "button button-small", onclick: () => this.#cancel() }, "Cancel"));
    this.surface.node.append(this.finishing);
    this.erasing.remove();
    this.#use("brush");
  }

  get paints() { return this.#tool !== "polygon"; }
  get radius() { return Math.max(0.5, Number(this.size.value) / 2); }
  get busy() {
    if (this.#given) return "The earlier masks are still on their way.";
    return this.#draft.length ? "Fill the polygon first, or cancel it." : "";
  }
  get blank() { return !this.entries().length && "Nothing is painted. Submit again if there is nothing to paint."; }
  get undoable() { return Boolean(this.#draft.length || this.mask?.undoable); }
  get redoable() { return Boolean(this.mask?.redoable); }
  get modified() { return Boolean(this.mask?.undoable); }

  #use(tool) {
    this.#cancel(true);
    this.#tool = tool;
    for (const [at, button] of this.switches.entries()) button.setAttribute("aria-pressed", String(TOOLS[at][0] === tool));
    this.surface.view.classList.toggle("crowd-painting", this.paints);
    this.size.disabled = !this.paints;
    this.surface.say(TOOLS.find(([name]) => name === tool)[1]);
  }

  press(key, event) {
    if (event?.code === "Comma" || event?.code === "Period") {
      this.size.value = Number(this.size.value) + (event.code === "Comma" ? -4 : 4);
      this.#draw();
      return true;
    }
    return super.press(key, event);
  }

  loaded() {
    const { width, height } = this.surface;
    this.mask = new Mask(width, height);
    this.canvas.replaceChildren(this.mask.canvas);
    this.answer = this.#given;
  }

  // ---- painting ----

  #value() {
    if (this.#tool === "eraser") return 0;
    return this.valued();
  }

  begin(point) {
    if (!this.paints) return false;
    this.#last = point;
    this.drag(point);
    return true;
  }

  drag(point) {
    this.mask.stroke(this.#last, point, this.radius, this.#value());
    this.#last = point;
    this.hover(point);
  }

  drop() {
    this.#last = null;
    this.#keep();
  }

  place(point) {
    this.focus({ preventScroll: true });
    if (this.paints) {
      this.mask.stroke(point, point, this.radius, this.#value());
      this.#keep();
      return;
    }
    const [first] = this.#draft;
    const near = first && Math.hypot(point.x - first.x, point.y - first.y) * this.surface.scale <= NEAR;
    if (near && this.#draft.length > 2) {
      this.#finish();
      return;
    }
    this.#draft.push(point);
    this.surface.say(`Point ${this.#draft.length}.`);
    this.#draw();
  }

  space(point) {
    if (!this.paints) {
      this.place(point);
      return;
    }
    this.#down = !this.#down;
    if (this.#down) this.mask.stroke(point, point, this.radius, this.#value());
    else this.#keep();
    this.surface.say(this.#down ? "The brush is down." : "The brush is up.");
  }

  walked(from, to) {
    if (this.#down && this.paints) this.mask.stroke(from, to, this.radius, this.#value());
    this.hover(to);
  }

  hover(point) {
    this.#hover = point;
    this.#draw();
  }

  nudge() { return false; }

  key(event) {
    const acts = {
      Enter: () => this.#draft.length > 0 && (this.#finish(), true),
      Escape: () => (this.#cancel(), true),
      Backspace: () => this.#draft.length > 0 && this.undo(),
    };
    return acts[event.key]?.() ?? false;
  }

  #finish() {
    if (this.#draft.length < 3) {
      this.complain("A polygon needs at least 3 points.");
      return;
    }
    this.mask.fill(this.#draft, this.#value());
    this.#draft = [];
    this.#keep();
    this.filled();
  }

  #cancel(quiet = false) {
    if (this.#down) this.#keep();
    [this.#draft, this.#down] = [[], false];
    if (!quiet) this.hush();
    this.#draw();
  }

  #keep() {
    this.#down = false;
    if (this.mask.keep()) this.changed();
    this.redraw();
  }

  undo() {
    if (!this.#draft.length) return this.#step(-1);
    this.#draft.pop();
    this.#draw();
    return true;
  }

  redo() { return this.#step(1); }

  #step(by) {
    if (!this.mask?.step(by)) return false;
    this.changed();
    this.redraw();
    this.surface.say(by < 0 ? "Undone." : "Done again.");
    return true;
  }

  picked() { this.redraw(); }

  filled() { return null; }

  // ---- answers ----

  get answer() {
    const format = this.getAttribute("mask-format") || "png";
    const own = this.told();
    if (format !== "rle") own.labeledImage = { pngImageData: this.mask?.png() ?? "" };
    if (format !== "png") own.masks = this.entries().map(({ label, value }) => ({ label, ...encode(this.mask.cells, this.mask.width, this.mask.height, value) }));
    return this.framed(own);
  }

  set answer(given) {
    const wanted = given ?? this.initial;
    this.#given = this.mask ? null : wanted;
    if (!this.mask) return;
    this.#draft = [];
    this.mask.reset();
    this.current = 0;
    this.take(wanted);
    this.hush();
    this.redraw();
  }

  /** Show what was painted before: COCO's masks at once, a picture when it has come. */
  take(given) {
    const { mask } = this;
    const values = this.assigned(given);
    const cells = mask.cells.slice();
    if (given?.masks) given.masks.forEach((one, at) => decode(one, cells, mask.width, mask.height, values[at]?.value ?? 0));
    const src = given?.labeledImage?.pngImageData ? `data:image/png;base64,${given.labeledImage.pngImageData}` : given?.src;
    if (given?.masks || !src) {
      mask.reset(cells);
      return;
    }
    this.#given = given;
    const done = (act) => () => {
      if (this.#given !== given) return;
      this.#given = null;
      act();
      this.redraw();
    };
    const image = node("img", {
      crossOrigin: "anonymous",
      onload: done(() => mask.reset(mask.read(image, new Map(values.map(({ colour, value }) => [rgb(colour).join(","), value]))))),
      onerror: done(() => this.complain("The earlier masks could not be loaded.")),
    });
    image.src = src;
  }

  // ---- the picture ----

  redraw() {
    if (!this.mask) return;
    this.surface.drawCross();
    this.#draw();
    const areas = this.mask.areas();
    this.listed(this.entries(areas).map((one) => this.#line(one, areas[one.value])));
  }

  #line({ label, value, colour }, area) {
    const chip = node("span", { class: "crowd-chip", "aria-hidden": "true" });
    chip.style.backgroundColor = colour;
    return node("li", { class: value === this.current ? "crowd-current" : "" },
      node("button", { type: "button", class: "crowd-item", "aria-pressed": String(value === this.current), onclick: () => { this.chose(value, label); this.redraw(); } },
        chip, node("span", { class: "crowd-item-name", dir: "auto" }, label), node("span", { class: "crowd-item-about" }, `${area.toLocaleString("en")} pixels`)),
      pictured("trash", `Delete ${label}, ${area} pixels`, () => { this.mask.clear(value); this.#keep(); this.focus(); }, "crowd-item-delete"));
  }

  #draw() {
    if (!this.surface?.ready) return;
    const hue = this.palette.colour(this.palette.value);
    const drawn = [];
    if (this.#hover && this.paints) drawn.push(svg("circle", { cx: this.#hover.x, cy: this.#hover.y, r: this.radius, class: "crowd-brush-under" }), svg("circle", { cx: this.#hover.x, cy: this.#hover.y, r: this.radius, class: "crowd-brush-over" }));
    if (this.#draft.length) {
      const points = this.#hover ? [...this.#draft, this.#hover] : this.#draft;
      drawn.push(svg("path", { d: trace(points, true), class: "crowd-halo" }), svg("path", { d: trace(points, true), class: "crowd-shape crowd-draft", stroke: hue, fill: hue }),
        ...this.#draft.map(({ x, y }) => svg("circle", { cx: x, cy: y, r: 5 / this.surface.scale, class: "crowd-dot", fill: hue, stroke: on(hue) })));
    }
    this.top.replaceChildren(...drawn);
    this.finishing.hidden = !this.#draft.length;
    this.offered();
  }
}

class Semantic extends Segmentation {
  labelled() { return this.palette.all().map((label, at) => ({ label, value: at + 1, colour: this.palette.colour(label) })); }

  entries(areas = this.mask?.areas() ?? []) { return this.labelled().filter(({ value }) => areas[value]); }

  valued() {
    const { value, colour } = this.labelled().find(({ label }) => label === this.palette.value) ?? { value: 0 };
    if (value) this.mask.colour(value, colour);
    return value;
  }

  chose(_, label) { this.palette.value = label; }

  told() { return { labelMappings: Object.fromEntries(this.labelled().map(({ label, colour }) => [label, { color: colour }])) }; }

  assigned(given) {
    const all = this.labelled();
    for (const { value, colour } of all) this.mask.colour(value, colour);
    if (given?.masks) return given.masks.map(({ label }) => all.find((one) => one.label === label));
    return Object.entries(given?.labelMappings ?? {}).map(([label, { color }]) => ({ colour: color, value: all.find((one) => one.label === label)?.value ?? 0 }));
  }
}

class Instances extends Segmentation {
  #instances = [];

  build() {
    super.build();
    this.fresh = node("button", { type: "button", class: "button button-small", onclick: () => { this.current = 0; this.redraw(); this.focus(); this.surface.say("A new one begins with the next stroke."); } }, "New instance");
    this.list.before(this.fresh);
  }

  entries(areas = this.mask?.areas() ?? []) { return this.#instances.filter(({ value }) => areas[value]); }

  valued() {
    if (!this.current && this.#instances.length < INSTANCES) {
      this.#add(this.palette.value);
      this.current = this.#instances.length;
    }
    return this.current;
  }

  #add(label, colour = colours(Array.from({ length: this.#instances.length + 1 })).at(-1)) {
    const one = { label, colour, value: this.#instances.length + 1 };
    this.#instances.push(one);
    this.mask.colour(one.value, colour);
    return one;
  }

  /** Another label begins another instance; so does what follows a filled polygon. */
  picked() {
    this.current = 0;
    super.picked();
  }

  filled() {
    this.current = 0;
    this.redraw();
  }

  chose(value, label) {
    this.current = value;
    this.palette.value = label;
  }

  told() { return { instances: this.entries().map(({ label, colour }) => ({ color: colour, label })) }; }

  assigned(given) {
    this.#instances = [];
    if (given?.masks) return given.masks.map(({ label }) => this.#add(String(label)));
    return (given?.instances ?? []).map(({ label, color }) => this.#add(String(label), color));
  }
}

export const tags = { "crowd-semantic-segmentation": Semantic, "crowd-instance-segmentation": Instances };
