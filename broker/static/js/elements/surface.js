// An image to draw on: it can be zoomed and scrolled, and gives a tool the points that mouse, finger and keys mean, in image pixels.

import { svg } from "./draw.js";
import { broken, node, pictured } from "./parts.js";

const STEPS = [1, 1.5, 2, 3, 4, 6, 8, 12, 16];
const LARGEST = 6; // screen pixels per image pixel to which a small image is enlarged
const SLACK = 4; // screen pixels a mouse may move within a click
const STRIDE = 10; // screen pixels an arrow key moves
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * A tool has place(point), hover(point), key(event), nudge(dx, dy) and redraw(), and may have grab(target, point), begin(point),
 * drag(point), drop(point). grab and begin say whether a drag is theirs.
 */
export class Surface {
  #tool;
  #zoom = 0;
  #fit = 1;
  #state = "idle";
  #start = null;
  #pan = null;
  #given;
  cursor = { x: 0, y: 0 };

  /** `size` is that of the original, which every coordinate is in; `srcset` are smaller copies of it, of any width. */
  constructor({ src, srcset = null, size, name, hint, tool }) {
    this.#tool = tool;
    this.#given = size;
    this.image = node("img", { alt: "", draggable: false, onload: () => this.#loaded(), onerror: () => this.#failed() });
    this.svg = svg("svg", { class: "crowd-ink", "aria-hidden": "true" });
    this.cross = svg("g", { class: "crowd-cross" });
    this.stage = node("div", { class: "crowd-stage" }, this.image, this.svg);
    this.view = node("div", { class: "crowd-view", tabIndex: 0, dir: "ltr", role: "application", "aria-label": name, "aria-describedby": hint }, this.stage);
    this.status = node("p", { class: "sr-only", role: "status" });
    this.output = node("output", {}, "Fit");
    this.zooms = node("div", { class: "crowd-tools", role: "group", "aria-label": "Zoom" },
      pictured("zoom-out", "Smaller", () => this.zoom(-1)), this.output, pictured("zoom-in", "Larger", () => this.zoom(1)));
    this.node = node("div", { class: "crowd-surface" }, this.view, this.status);
    this.#listen();
    // Without the original's size a copy would pass for it: then there are no copies.
    if (srcset && size) Object.assign(this.image, { sizes: "min(100vw, 60rem)", srcset });
    this.image.src = src;
  }

  #listen() {
    const { view } = this;
    view.addEventListener("pointerdown", (event) => this.#down(event));
    view.addEventListener("pointermove", (event) => this.#move(event));
    view.addEventListener("pointerup", (event) => this.#up(event));
    view.addEventListener("pointercancel", () => this.#cancel());
    view.addEventListener("click", (event) => { if (this.#state === "tap") this.#tool.place(this.point(event)); this.#state = "idle"; });
    view.addEventListener("keydown", (event) => this.#key(event));
    view.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.watch = new ResizeObserver(() => this.#measure());
  }

  get ready() { return Boolean(this.width); }

  /** Screen pixels per image pixel. */
  get scale() { return this.#fit * STEPS[this.#zoom]; }

  say(text) { this.status.textContent = text; }

  #loaded() {
    const { naturalWidth, naturalHeight } = this.image;
    if (this.width) return; // a larger copy for a larger view
    [this.width, this.height] = this.#given ?? [naturalWidth, naturalHeight];
    this.node.querySelector(".crowd-broken")?.remove();
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.cursor = { x: Math.round(this.width / 2), y: Math.round(this.height / 2) };
    this.watch.disconnect();
    this.watch.observe(this.node);
    this.#measure();
    this.#tool.loaded?.();
  }

  #failed() {
    if (this.node.querySelector(".crowd-broken")) return;
    const retry = () => { const { src } = this.image; this.image.src = ""; this.image.src = src; };
    this.view.before(broken(retry));
  }

  #measure() {
    const room = this.node.clientWidth;
    if (!room || !this.width) return;
    const high = Math.max(240, innerHeight * (innerWidth < 600 ? 0.5 : 0.68));
    this.#fit = Math.min(room / this.width, high / this.height, LARGEST);
    this.view.style.blockSize = `${Math.ceil(this.height * this.#fit)}px`;
    this.#resize();
  }

  #resize() {
    const { scale } = this;
    Object.assign(this.stage.style, { width: `${this.width * scale}px`, height: `${this.height * scale}px` });
    this.view.classList.toggle("crowd-pixels", scale >= 3);
    if (this.image.srcset) this.image.sizes = `${Math.round(this.width * scale)}px`;
    this.output.value = this.#zoom ? `${STEPS[this.#zoom] * 100} %` : "Fit";
    this.#tool.redraw();
  }

  /** One step larger or smaller; `at`, or the middle of what is seen, keeps its place. */
  zoom(by, at = null) {
    const zoom = Math.min(STEPS.length - 1, Math.max(0, this.#zoom + by));
    if (zoom === this.#zoom || !this.ready) return;
    const box = this.view.getBoundingClientRect();
    const place = at ?? { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    const point = this.#exact(place);
    this.#zoom = zoom;
    this.#resize();
    const stage = this.stage.getBoundingClientRect();
    this.view.scrollLeft += stage.left + point.x * this.scale - place.clientX;
    this.view.scrollTop += stage.top + point.y * this.scale - place.clientY;
  }

  #exact({ clientX, clientY }) {
    const box = this.stage.getBoundingClientRect();
    return { x: ((clientX - box.left) / box.width) * this.width, y: ((clientY - box.top) / box.height) * this.height };
  }

  /** The point of the image under a pointer, in whole pixels and within the image. */
  point(event) { return this.inside(this.#exact(event)); }

  inside({ x, y }) { return { x: Math.min(this.width, Math.max(0, Math.round(x))), y: Math.min(this.height, Math.max(0, Math.round(y))) }; }

  #down(event) {
    if (!this.ready || (event.button === 0 && !event.isPrimary)) return;
    if (event.button === 1) this.#pan = event;
    if (event.button !== 0) return;
    const point = this.point(event);
    this.#start = event;
    if (this.#tool.grab?.(event.target, point)) this.#state = "grab";
    else if (event.pointerType === "touch" && !this.#tool.paints) this.#state = "tap";
    else this.#state = "press";
    if (this.#state !== "tap") this.view.setPointerCapture(event.pointerId);
  }

  #move(event) {
    if (!this.ready) return;
    if (this.#pan) {
      this.view.scrollLeft -= event.clientX - this.#pan.clientX;
      this.view.scrollTop -= event.clientY - this.#pan.clientY;
      this.#pan = event;
      return;
    }
    const point = this.point(event);
    if (this.#state === "press" && Math.hypot(event.clientX - this.#start.clientX, event.clientY - this.#start.clientY) > SLACK) {
      this.#state = this.#tool.begin?.(this.point(this.#start)) ? "grab" : "still";
    }
    if (this.#state === "grab") this.#tool.drag(point);
    else if (event.pointerType !== "touch") this.#tool.hover(point);
  }

  #up(event) {
    this.#pan = null;
    const point = this.ready && this.point(event);
    const state = this.#state;
    if (state === "tap") return; // the click that follows places the point, unless the finger scrolled
    this.#state = "idle";
    if (state === "grab") this.#tool.drop(point);
    else if (state === "press" || state === "still") this.#tool.place(point);
  }

  #cancel() {
    if (this.#state === "grab") this.#tool.drop(this.point(this.#start));
    this.#state = "idle";
    this.#pan = null;
  }

  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1 : -1, event);
  }

  #key(event) {
    if (!this.ready || event.ctrlKey || event.altKey || event.metaKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) this.#stride(arrow, event.shiftKey);
    else if (event.key === " ") this.#tool[this.#tool.space ? "space" : "place"]({ ...this.cursor });
    else if (!this.#tool.key(event)) return;
    event.preventDefault();
  }

  #stride([dx, dy], fine) {
    const step = fine ? 1 : Math.max(1, Math.round(STRIDE / this.scale));
    if (this.#tool.nudge(dx * step, dy * step)) return;
    const from = this.cursor;
    this.cursor = this.inside({ x: this.cursor.x + dx * step, y: this.cursor.y + dy * step });
    this.drawCross();
    this.reveal(this.cursor);
    if (this.#tool.walked) this.#tool.walked(from, this.cursor);
    else this.#tool.hover(this.cursor);
    this.say(`${this.cursor.x}, ${this.cursor.y}`);
  }

  drawCross() {
    const { x, y } = this.cursor;
    const lines = [`M0 ${y}H${this.width}`, `M${x} 0V${this.height}`];
    this.cross.replaceChildren(...lines.flatMap((d) => [svg("path", { d, class: "crowd-cross-under" }), svg("path", { d, class: "crowd-cross-over" })]));
  }

  /** Scroll a point of the image into view. */
  reveal({ x, y }) {
    const { view, scale } = this;
    const margin = 24;
    const along = (at, seen, length) => (at < seen + margin ? at - margin : Math.max(seen, at + margin - length));
    view.scrollLeft = along(x * scale, view.scrollLeft, view.clientWidth);
    view.scrollTop = along(y * scale, view.scrollTop, view.clientHeight);
  }
}
