// <classification-target>: what is to be labelled. An image can be zoomed, a small one is enlarged, a tiny one in whole large pixels; a text keeps its lines.

import { broken, free, keyed, node, pictured, sign, whenParsed } from "./parts.js";

const TINY = 32; // images up to this many pixels wide and high fill the room, each pixel a square
const SMALL = 200; // and up to this many are shown larger, at most this many times
const TIMES = 3;
const STEPS = [1, 1.5, 2, 3, 4, 6, 8];

class Target extends HTMLElement {
  #image = null;
  #pan = null;
  #zoom = 0;
  #text = null;
  #watch = null;
  #onKey = (event) => this.#press(event);

  connectedCallback() {
    document.addEventListener("keydown", this.#onKey);
    whenParsed(() => { if (this.isConnected && !this.#pan && !this.#text) this.#draw(); });
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#onKey);
    this.#watch?.disconnect();
  }

  #draw() {
    this.#image = this.querySelector("img");
    if (this.#image) this.#drawImage();
    else if (!this.children.length) this.#drawText();
  }

  #drawText() {
    this.#text = node("div", { class: "crowd-text", dir: "auto" }, this.textContent.trim());
    this.replaceChildren(this.#text);
    // What scrolls must be reachable by key; what does not scroll would only be one more stop.
    this.#watch = new ResizeObserver(() => scrolls(this.#text, "The text to label"));
    this.#watch.observe(this.#text);
  }

  #drawImage() {
    const image = this.#image;
    if (!image.hasAttribute("alt")) image.alt = "The image to label";
    const place = node("div", { class: "crowd-pan" });
    image.replaceWith(place);
    place.append(image);
    this.#pan = place;
    this.classList.add("crowd-has-image");
    if (image.complete && image.naturalWidth) this.#loaded();
    image.addEventListener("load", () => this.#loaded());
    image.addEventListener("error", () => this.#broken());
    if (image.complete && !image.naturalWidth && image.src) this.#broken();
  }

  #loaded() {
    const { naturalWidth, naturalHeight } = this.#image;
    this.querySelector(".crowd-broken")?.remove();
    this.#image.hidden = false;
    const edge = Math.max(naturalWidth, naturalHeight);
    this.classList.toggle("crowd-tiny", edge <= TINY);
    this.classList.toggle("crowd-small", edge > TINY && edge <= SMALL);
    if (edge <= SMALL) this.#image.style.aspectRatio = `${naturalWidth} / ${naturalHeight}`;
    if (edge > TINY && edge <= SMALL) this.#image.style.width = `${naturalWidth * TIMES}px`;
    if (edge <= SMALL) this.querySelector(".crowd-zoom")?.remove();
    else if (!this.querySelector(".crowd-zoom")) this.append(this.#buttons());
  }

  #broken() {
    this.#image.hidden = true;
    if (this.querySelector(".crowd-broken")) return;
    const retry = () => { const { src } = this.#image; this.#image.src = ""; this.#image.src = src; };
    this.#pan.append(broken(retry));
  }

  #buttons() {
    return node("div", { class: "crowd-zoom", role: "group", "aria-label": "Zoom" },
      pictured("zoom-out", "Smaller", () => this.#step(-1)),
      node("output", { "aria-live": "polite" }, "Fit"),
      pictured("zoom-in", "Larger", () => this.#step(1)));
  }

  /** One step larger or smaller; the middle of what is seen stays in the middle. */
  #step(by) {
    const zoom = Math.min(STEPS.length - 1, Math.max(0, this.#zoom + by));
    if (zoom === this.#zoom) return;
    const { style } = this.#image;
    const pan = this.#pan;
    const middle = [(pan.scrollLeft + pan.clientWidth / 2) / pan.scrollWidth, (pan.scrollTop + pan.clientHeight / 2) / pan.scrollHeight];
    if (this.#zoom === 0) this.#fit();
    this.#zoom = zoom;
    const fit = this.#image.dataset.fit.split("x").map(Number);
    this.classList.toggle("crowd-zoomed", zoom > 0);
    style.width = zoom ? `${fit[0] * STEPS[zoom]}px` : "";
    style.height = zoom ? `${fit[1] * STEPS[zoom]}px` : "";
    if (this.#image.srcset) this.#image.sizes = `${Math.round(fit[0] * STEPS[zoom])}px`; // a larger copy for a larger view
    if (zoom === 0) pan.style.height = "";
    pan.scrollLeft = middle[0] * pan.scrollWidth - pan.clientWidth / 2;
    pan.scrollTop = middle[1] * pan.scrollHeight - pan.clientHeight / 2;
    this.querySelector(".crowd-zoom output").value = zoom ? `${STEPS[zoom] * 100} %` : "Fit";
    scrolls(pan, "The image, zoomed");
  }

  #fit() {
    const { width, height } = this.#image.getBoundingClientRect();
    this.#image.dataset.fit = `${width}x${height}`;
    this.#pan.style.height = `${this.#pan.getBoundingClientRect().height}px`;
  }

  #press(event) {
    if (!this.#image || !free(event) || !keyed(this)) return;
    const by = { "+": 1, "=": 1, "-": -1 }[sign(event)];
    if (!by || !this.querySelector(".crowd-zoom")) return;
    event.preventDefault();
    this.#step(by);
  }
}

function scrolls(area, name) {
  const more = area.scrollHeight > area.clientHeight + 1 || area.scrollWidth > area.clientWidth + 1;
  for (const [key, value] of Object.entries({ tabindex: "0", role: "region", "aria-label": name })) {
    if (more) area.setAttribute(key, value);
    else area.removeAttribute(key);
  }
}

export const tags = { "classification-target": Target };
