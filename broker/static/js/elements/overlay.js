// Draws over an image what earlier workers marked on it: boxes, or coloured masks; with a legend, never by colour alone.

import { colours, svg, tag } from "./draw.js";
import { node } from "./parts.js";

export class Overlay {
  #image;
  #over;
  #drawn = null;

  /** `over` is {boundingBox: {labels, value}} or {semanticSegmentation: {labelMappings, src}} or {instanceSegmentation: {instances, src}}. */
  constructor(image, over) {
    this.#image = image;
    this.#over = over;
  }

  get #masks() { return this.#over.semanticSegmentation ?? this.#over.instanceSegmentation; }

  /** [label, colour] of everything that can be on the image. */
  get #pairs() {
    const masks = this.#masks;
    if (masks?.instances) return masks.instances.map(({ label, color }) => [label, color]);
    if (masks) return Object.entries(masks.labelMappings ?? {}).map(([label, { color }]) => [label, color]);
    const labels = this.#over.boundingBox?.labels ?? [];
    return labels.map((label, index) => [label, colours(labels)[index]]);
  }

  get legend() {
    const entries = this.#pairs.map(([label, colour]) => {
      const chip = node("span", { class: "crowd-chip", "aria-hidden": "true" });
      chip.style.backgroundColor = colour;
      return node("li", { dir: "auto" }, chip, String(label));
    });
    return node("ul", { class: "crowd-legend", "aria-label": "What is marked on the image" }, ...entries);
  }

  draw() {
    const image = this.#image;
    this.#drawn?.remove();
    this.#drawn = this.#masks ? node("img", { src: this.#masks.src ?? "", alt: "", class: "crowd-over crowd-over-mask" }) : this.#boxes(image);
    image.parentElement.append(this.#drawn);
    const place = () => {
      const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = image;
      Object.assign(this.#drawn.style, { left: `${offsetLeft}px`, top: `${offsetTop}px`, width: `${offsetWidth}px`, height: `${offsetHeight}px` });
    };
    // Its place changes with the room around it, too.
    const watch = new ResizeObserver(place);
    watch.observe(image);
    watch.observe(image.parentElement);
  }

  #boxes(image) {
    const pairs = new Map(this.#pairs);
    const scale = image.offsetWidth / image.naturalWidth || 1;
    const drawn = svg("svg", { class: "crowd-over", viewBox: `0 0 ${image.naturalWidth} ${image.naturalHeight}`, "aria-hidden": "true" });
    for (const { left, top, width, height, label } of this.#over.boundingBox?.value ?? []) {
      const colour = pairs.get(label) ?? "#ffffff";
      drawn.append(svg("rect", { x: left, y: top, width, height, class: "crowd-shape", stroke: colour, fill: colour }), tag(label, { x: left, y: top }, colour, scale));
    }
    return drawn;
  }
}
