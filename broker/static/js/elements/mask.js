// Masks: one number for each pixel of an image, painted by strokes and polygons; what is undone is kept as rectangles.

import { rgb } from "./draw.js";

const MOST = 100; // changes that can be undone

export class Mask {
  #colours = []; // [red, green, blue] by number
  #dirty = null; // [left, top, right, bottom] of the change under way, the right and lower edges excluded
  #before = null;
  #changes = [];
  #at = 0;

  constructor(width, height) {
    Object.assign(this, { width, height, cells: new Uint8Array(width * height) });
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.ink = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  colour(value, hex) { this.#colours[value] = rgb(hex); }

  /** Paint a line with a round brush. */
  stroke(from, to, radius, value) {
    const [left, right] = [Math.min(from.x, to.x) - radius, Math.max(from.x, to.x) + radius];
    const [top, bottom] = [Math.min(from.y, to.y) - radius, Math.max(from.y, to.y) + radius];
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = dx * dx + dy * dy || 1;
    this.#paint([left, top, right, bottom], value, (x, y) => {
      const along = Math.min(1, Math.max(0, ((x - from.x) * dx + (y - from.y) * dy) / length));
      return (x - from.x - along * dx) ** 2 + (y - from.y - along * dy) ** 2 <= radius * radius;
    });
  }

  /** Paint what lies inside a polygon; a line that crosses itself is inside and outside in turn. */
  fill(points, value) {
    const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
    const area = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    const sides = points.map((point, at) => [point, points[(at + 1) % points.length]]);
    this.#paint(area, value, (x, y) => sides.filter(([a, b]) => (a.y > y) !== (b.y > y) && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x).length % 2 === 1);
  }

  /** Take all pixels of a value off. */
  clear(value) { this.#paint([0, 0, this.width, this.height], 0, (x, y) => this.cells[Math.floor(y) * this.width + Math.floor(x)] === value); }

  #paint([left, top, right, bottom], value, covers) {
    const area = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top)), Math.min(this.width, Math.ceil(right)), Math.min(this.height, Math.ceil(bottom))];
    if (area[0] >= area[2] || area[1] >= area[3]) return;
    this.#before ??= this.cells.slice();
    // The middle of a pixel decides whether it is covered.
    for (let y = area[1]; y < area[3]; y += 1) for (let x = area[0]; x < area[2]; x += 1) if (covers(x + 0.5, y + 0.5)) this.cells[y * this.width + x] = value;
    const old = this.#dirty ?? area;
    this.#dirty = [Math.min(old[0], area[0]), Math.min(old[1], area[1]), Math.max(old[2], area[2]), Math.max(old[3], area[3])];
    this.show(area);
  }

  /** End the change under way, so that it can be undone as one; false if nothing has changed. */
  keep() {
    const [area, before] = [this.#dirty, this.#before];
    [this.#dirty, this.#before] = [null, null];
    if (!area) return false;
    const change = { area, before: this.#cut(before, area), after: this.#cut(this.cells, area) };
    if (change.after.every((cell, at) => cell === change.before[at])) return false;
    this.#changes.splice(this.#at, Infinity, change);
    if (this.#changes.length > MOST) this.#changes.shift();
    this.#at = this.#changes.length;
    return true;
  }

  #cut(cells, [left, top, right, bottom]) {
    const cut = new Uint8Array((right - left) * (bottom - top));
    for (let y = top; y < bottom; y += 1) cut.set(cells.subarray(y * this.width + left, y * this.width + right), (y - top) * (right - left));
    return cut;
  }

  get undoable() { return this.#at > 0; }
  get redoable() { return this.#at < this.#changes.length; }

  step(by) {
    if (by < 0 ? !this.undoable : !this.redoable) return false;
    const { area, before, after } = this.#changes[by < 0 ? this.#at - 1 : this.#at];
    const [left, top, right, bottom] = area;
    const cut = by < 0 ? before : after;
    for (let y = top; y < bottom; y += 1) this.cells.set(cut.subarray((y - top) * (right - left), (y - top + 1) * (right - left)), y * this.width + left);
    this.#at += by;
    this.show(area);
    return true;
  }

  /** Begin anew with other cells; nothing can be undone then. */
  reset(cells = new Uint8Array(this.width * this.height)) {
    Object.assign(this, { cells });
    [this.#changes, this.#at, this.#dirty, this.#before] = [[], 0, null, null];
    this.show([0, 0, this.width, this.height]);
  }

  /** How many pixels each value has. */
  areas() {
    const areas = new Uint32Array(256);
    for (const cell of this.cells) areas[cell] += 1;
    return areas;
  }

  show([left, top, right, bottom]) {
    const [width, height] = [right - left, bottom - top];
    const shown = new ImageData(width, height);
    const pixels = new Uint32Array(shown.data.buffer);
    // Canvas bytes are red, green, blue, alpha: in the machine's order, the alpha comes first.
    const packed = this.#colours.map((one) => (one ? (255 << 24) | (one[2] << 16) | (one[1] << 8) | one[0] : 0));
    for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) pixels[y * width + x] = packed[this.cells[(top + y) * this.width + left + x]] ?? 0;
    this.ink.putImageData(shown, left, top);
  }

  /** The colours as the data of a PNG, in base64; what has no value is transparent. */
  png() { return this.canvas.toDataURL("image/png").split(",")[1]; }

  /** Cells from the picture of an earlier answer: `values` maps "red,green,blue" to a number. */
  read(image, values) {
    const copy = Object.assign(document.createElement("canvas"), { width: this.width, height: this.height });
    const ink = copy.getContext("2d");
    ink.imageSmoothingEnabled = false;
    ink.drawImage(image, 0, 0, this.width, this.height);
    const { data } = ink.getImageData(0, 0, this.width, this.height);
    return Uint8Array.from({ length: this.width * this.height }, (_, at) => (data[at * 4 + 3] ? values.get(`${data[at * 4]},${data[at * 4 + 1]},${data[at * 4 + 2]}`) ?? 0 : 0));
  }
}
