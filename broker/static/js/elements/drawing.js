// <crowd-bounding-box>, <crowd-keypoint>, <crowd-polygon>, <crowd-polyline>, <crowd-line>: labelled shapes on an image.

import { Board } from "./board.js";
import { on, svg, tag } from "./draw.js";
import { node, pictured } from "./parts.js";
import { KINDS, corner, middle, moved, trace } from "./shapes.js";

const NEAR = 10; // screen pixels within which a click meets a point
const HANDLE = 6; // radius in screen pixels

class Drawing extends Board {
  #shapes = [];
  #draft = null; // the points of the shape that is being drawn
  #hover = null;
  #selected = -1;
  #handle = -1; // the point of the selected shape that keys move; -1: the whole shape
  #drag = null;

  get state() { return this.#shapes; }
  get busy() { return this.#draft ? `Finish the ${this.kind.one} first, or cancel it.` : ""; }
  get blank() { return !this.#shapes.length && `Nothing is drawn. Submit again if there is no ${this.kind.one} to draw.`; }

  dump() { return { [this.kind.key]: this.#shapes.map((shape) => this.kind.dump(shape)) }; }

  /** The answer's own form, or its list alone; what is no shape of ours is left out. */
  parse(given) {
    const list = Array.isArray(given) ? given : given?.[this.kind.key] ?? [];
    return list.filter((one) => one !== null && typeof one === "object")
      .map((one) => ({ label: String(one.label ?? ""), points: this.kind.load(one) }))
      .filter(({ points }) => points && points.length >= this.kind.least);
  }

  put(state) {
    this.#shapes = state;
    this.#draft = null;
    this.#select(-1);
  }

  build() {
    this.base = svg("g");
    this.top = svg("g");
    this.surface.svg.append(this.base, this.top, this.surface.cross);
    this.finishing = node("div", { class: "crowd-finish", hidden: true },
      node("button", { type: "button", class: "button button-small button-primary", onclick: () => this.#finish() }, "Finish"),
      node("button", { type: "button", class: "button button-small", onclick: () => this.#cancel() }, "Cancel"));
    this.surface.node.append(this.finishing);
  }

  // ---- what the surface tells ----

  place(point) {
    this.focus({ preventScroll: true });
    if (!this.#draft) {
      this.#select(-1);
      this.#draft = [];
    }
    const { kind } = this;
    const near = (other) => Math.hypot(point.x - other.x, point.y - other.y) * this.surface.scale <= NEAR;
    const points = this.#draft;
    if (kind.grows && points.length && (near(points.at(-1)) || (kind.closed && points.length >= kind.least && near(points[0])))) {
      this.#finish();
      return;
    }
    if (points.length && points.at(-1).x === point.x && points.at(-1).y === point.y) return;
    points.push(point);
    if (points.length === kind.most) this.#finish();
    else this.surface.say(points.length === 1 ? `Started a ${kind.one} at ${point.x}, ${point.y}.` : `Point ${points.length}.`);
    this.#drawTop();
  }

  hover(point) {
    this.#hover = point;
    if (this.#draft) this.#drawTop();
  }

  begin(point) {
    if (this.#draft || this.kind.most !== 2) return false;
    this.#select(-1);
    this.#draft = [point];
    this.#drag = { act: (to) => { this.#draft = [point, to]; } };
    return true;
  }

  grab(target, point) {
    const at = target.closest?.("[data-handle], [data-middle], [data-shape]")?.dataset;
    if (!at || this.#draft) return false;
    if (at.shape !== undefined) this.#select(Number(at.shape));
    const shape = this.#shapes[this.#selected];
    const before = shape.points;
    if (at.middle !== undefined) shape.points = before.toSpliced(Number(at.middle) + 1, 0, point);
    const handle = at.middle === undefined ? Number(at.handle ?? -1) : Number(at.middle) + 1;
    const { points } = shape;
    this.#handle = handle;
    this.#drag = {
      before,
      act: (to) => {
        shape.points = handle < 0 ? moved(points, to.x - point.x, to.y - point.y, this.surface.width, this.surface.height) : this.kind.move(points, handle, to);
      },
    };
    return true;
  }

  drag(point) {
    this.#drag?.act(point);
    this.#drawTop();
  }

  drop() {
    const drag = this.#drag;
    this.#drag = null;
    if (this.#draft) this.#finish();
    else if (drag?.before !== this.#shapes[this.#selected]?.points) this.#moved();
  }

  nudge(dx, dy) {
    const shape = this.#shapes[this.#selected];
    if (!shape || this.#draft) return false;
    const { width, height } = this.surface;
    const at = this.kind.handles(shape.points)[this.#handle];
    shape.points = at ? this.kind.tidy(this.kind.move(shape.points, this.#handle, this.surface.inside({ x: at.x + dx, y: at.y + dy }))) : moved(shape.points, dx, dy, width, height);
    this.#moved();
    this.surface.reveal(this.kind.handles(shape.points)[Math.max(0, this.#handle)]);
    return true;
  }

  key(event) {
    const acts = {
      Enter: () => Boolean(this.#draft) && (this.#finish(), true),
      Escape: () => (this.#draft ? this.#cancel() : this.#select(-1), true),
      Backspace: () => (this.#draft ? this.undo() : this.erase()),
      Delete: () => this.erase(),
      Insert: () => this.#insert(),
      PageDown: () => this.#turn(1), PageUp: () => this.#turn(-1),
      End: () => this.#nextHandle(1), Home: () => this.#nextHandle(-1),
    };
    return acts[event.key]?.() ?? false;
  }

  // ---- what workers do ----

  #finish() {
    const { kind } = this;
    const points = kind.tidy(this.#draft);
    const size = points.length === 2 && kind === KINDS.box ? Math.min(points[1].x - points[0].x, points[1].y - points[0].y) : 1;
    if (points.length < kind.least) {
      this.complain(`A ${kind.one} needs at least ${kind.least} points.`);
      return;
    }
    this.#draft = null;
    if (size > 0) {
      this.#shapes.push({ label: this.palette.value, points });
      this.commit();
      // Not selected: the next label chosen is that of the next shape.
      this.#select(-1);
      this.surface.say(this.#told(this.#shapes.length - 1));
    }
    this.#drawTop();
  }

  #cancel() {
    this.#draft = null;
    this.hush();
    this.#drawTop();
    this.surface.say("Cancelled.");
  }

  undo() {
    if (!this.#draft) return super.undo();
    this.#draft.pop();
    if (!this.#draft.length) this.#draft = null;
    this.#drawTop();
    return true;
  }

  erase() {
    const shape = this.#shapes[this.#selected];
    if (!shape) return false;
    if (this.kind.grows && this.#handle >= 0 && shape.points.length > this.kind.least) {
      shape.points = shape.points.toSpliced(this.#handle, 1);
      this.#handle = Math.min(this.#handle, shape.points.length - 1);
      this.#moved();
    } else {
      this.#remove(this.#selected);
    }
    return true;
  }

  #remove(at) {
    const [gone] = this.#shapes.splice(at, 1);
    this.commit();
    this.#select(-1);
    this.surface.say(`Deleted ${gone.label}.`);
  }

  picked(label) {
    const shape = this.#shapes[this.#selected];
    if (!shape || shape.label === label) return;
    shape.label = label;
    this.commit();
    this.redraw();
    this.surface.say(`Now ${label}.`);
  }

  #moved() {
    const shape = this.#shapes[this.#selected];
    shape.points = this.kind.tidy(shape.points);
    this.commit();
    this.redraw();
    this.surface.say(this.#told(this.#selected));
  }

  /** A point more behind the one that keys move. */
  #insert() {
    const shape = this.#shapes[this.#selected];
    const at = this.#handle;
    if (!this.kind.grows || !shape || at < 0) return false;
    const next = shape.points[at + 1] ?? (this.kind.closed ? shape.points[0] : null);
    if (!next) return false;
    shape.points = shape.points.toSpliced(at + 1, 0, middle(shape.points[at], next));
    this.#handle = at + 1;
    this.#moved();
    return true;
  }

  #turn(by) {
    if (this.#draft || !this.#shapes.length) return false;
    const count = this.#shapes.length;
    this.#select(this.#selected < 0 ? (by > 0 ? 0 : count - 1) : (this.#selected + by + count) % count);
    return true;
  }

  #nextHandle(by) {
    const shape = this.#shapes[this.#selected];
    if (!shape || this.#draft) return false;
    const count = this.kind.handles(shape.points).length;
    this.#handle = ((this.#handle + 1 + by + count + 1) % (count + 1)) - 1;
    this.#drawTop();
    this.surface.say(this.#handle < 0 ? `The whole ${this.kind.one}` : `Point ${this.#handle + 1} of ${count}`);
    return true;
  }

  #select(at) {
    this.#selected = at;
    this.#handle = -1;
    const shape = this.#shapes[at];
    if (shape) {
      this.palette.value = shape.label;
      this.surface.say(this.#told(at));
    }
    this.redraw();
  }

  #told(at) {
    const { label, points } = this.#shapes[at];
    return `${label}, ${this.kind.one} ${at + 1} of ${this.#shapes.length}, ${this.kind.tell(points)}`;
  }

  // ---- the picture ----

  redraw() {
    if (!this.surface?.ready) return;
    this.base.replaceChildren(...this.#shapes.map((shape, at) => (at === this.#selected ? "" : this.#shape(shape, at))));
    this.#drawTop();
    this.surface.drawCross();
    this.listed(this.#shapes.map((shape, at) => this.#line(shape, at)));
    this.erasing.disabled = this.#selected < 0;
  }

  #line({ label, points }, at) {
    const chip = node("span", { class: "crowd-chip", "aria-hidden": "true" });
    chip.style.backgroundColor = this.palette.colour(label);
    return node("li", { class: at === this.#selected ? "crowd-current" : "" },
      node("button", { type: "button", class: "crowd-item", "aria-pressed": String(at === this.#selected), onclick: () => { this.#select(at); this.surface.reveal(points[0]); } },
        chip, node("span", { class: "crowd-item-name", dir: "auto" }, label), node("span", { class: "crowd-item-about" }, this.kind.tell(points))),
      pictured("trash", `Delete ${label}, ${this.kind.one} ${at + 1}`, () => { this.#remove(at); this.focus(); }, "crowd-item-delete"));
  }

  #shape({ label, points }, at, chosen = false) {
    const { kind } = this;
    const colour = this.palette.colour(label);
    const data = { "data-shape": at };
    if (kind === KINDS.keypoint) return svg("g", chosen ? {} : data, this.#dot(points[0], colour, chosen ? {} : data), tag(label, this.#beside(points[0]), colour, this.surface.scale, data));
    const d = trace(kind.outline(points), kind.closed);
    const look = { class: chosen ? "crowd-shape crowd-chosen" : "crowd-shape", stroke: colour, fill: kind.closed ? colour : "none" };
    return svg("g", {}, svg("path", { d, class: "crowd-halo" }), svg("path", { d, ...look }), svg("path", { d, class: "crowd-hit", ...data }), tag(label, corner(points), colour, this.surface.scale, data));
  }

  #beside({ x, y }) { return { x: x + (HANDLE + 3) / this.surface.scale, y }; }

  #dot({ x, y }, colour, data, small = false) {
    const { scale } = this.surface;
    const radius = (small ? HANDLE * 0.6 : HANDLE) / scale;
    return svg("g", { class: "crowd-handle", ...data },
      svg("circle", { cx: x, cy: y, r: 16 / scale, class: "crowd-reach" }),
      svg("circle", { cx: x, cy: y, r: radius, fill: colour, stroke: on(colour), class: small ? "crowd-dot crowd-between" : "crowd-dot" }));
  }

  #drawTop() {
    if (!this.surface?.ready) return;
    const shape = this.#shapes[this.#selected];
    const drawn = [];
    if (shape) drawn.push(this.#shape(shape, this.#selected, true), ...this.#handles(shape));
    if (this.#draft) drawn.push(...this.#drafted());
    this.top.replaceChildren(...drawn);
    this.finishing.hidden = !this.#draft;
    this.finishing.firstChild.hidden = !this.kind.grows;
    this.offered();
  }

  #handles({ label, points }) {
    const { kind } = this;
    const colour = this.palette.colour(label);
    const between = kind.grows ? points.slice(0, kind.closed ? undefined : -1).map((point, at) => this.#dot(middle(point, points[(at + 1) % points.length]), colour, { "data-middle": at }, true)) : [];
    const dots = kind.handles(points).map((point, at) => this.#dot(point, this.#handle === at ? "#ffffff" : colour, { "data-handle": at }));
    return [...between, ...dots];
  }

  #drafted() {
    const { kind } = this;
    const colour = this.palette.colour(this.palette.value);
    const all = this.#hover && !this.#drag ? [...this.#draft, this.#hover] : this.#draft;
    const d = trace(all.length === 2 || kind !== KINDS.box ? kind.outline(all) : all, kind.closed);
    return [svg("path", { d, class: "crowd-halo" }), svg("path", { d, class: "crowd-shape crowd-draft", stroke: colour, fill: kind.closed ? colour : "none" }),
      ...this.#draft.map((point) => this.#dot(point, colour, {}))];
  }

  get undoable() { return Boolean(this.#draft) || super.undoable; }
}

const drawing = (kind) => class extends Drawing { kind = KINDS[kind]; };

export const tags = {
  "crowd-bounding-box": drawing("box"),
  "crowd-keypoint": drawing("keypoint"),
  "crowd-polygon": drawing("polygon"),
  "crowd-polyline": drawing("polyline"),
  "crowd-line": drawing("line"),
};
