// <broker-page>: a page of others in a frame that keeps it in. To the page around it, it is what <crowd-form> is: it has
// submit(), focus() and an answer, and tells of `crowd-submit`.

import { icon, node } from "./parts.js";

const LARGEST = 900_000; // characters of an answer's JSON: the door takes a little more
const PATIENCE = 3000; // milliseconds in which an answer that was asked for comes
const TALLEST = 20_000;
const CREEP = 64; // pixels
const CREEPS = 6;
const KEYS = new Set(["z", "s", "p", "?"]);
const SANDBOX = "allow-scripts allow-forms"; // never allow-same-origin: with it a page could take its own sandbox off

class Page extends HTMLElement {
  #frame = null;
  #port = null;
  #loads = 0;
  #creeps = 0; // how often in a row the page has grown by a little
  #asked = -Infinity; // when our own Submit button asked for the answer
  #waiting = null; // an answer that the page sent although nobody had touched it
  #bar = node("div", { class: "broker-page-bar", role: "status" });

  dirty = false;

  connectedCallback() {
    if (this.#frame) return;
    this.#frame = node("iframe", { title: "The requester's page", class: "broker-page-frame", referrerPolicy: "no-referrer" });
    const height = Number(this.getAttribute("height")) || 0;
    if (this.outside) this.#besides(height);
    else this.#within(height);
    this.#frame.src = this.getAttribute("src");
    const note = node("p", { class: "broker-page-note" }, icon("info"), "A page of the requester’s. Never enter a password or private details in it.");
    this.append(note, this.#bar, this.#frame);
  }

  /** Whether it is a site of the requester's, which sends its answer to the broker by itself. */
  get outside() { return this.getAttribute("sort") === "external"; }

  get answer() { return {}; }

  set answer(given) { if (given) this.#port?.postMessage({ type: "restore", answer: given }); }

  /** Ask the page for its answer; an earlier one that nobody had asked for is good enough. */
  submit() {
    if (this.#waiting) {
      this.#done(this.#waiting);
      return;
    }
    this.#asked = performance.now();
    this.#port?.postMessage({ type: "submit" });
  }

  focus(options) {
    this.#frame?.focus(options);
    this.#port?.postMessage({ type: "focus" });
  }

  /** A page with no origin, behind a port that only it gets. */
  #within(height) {
    this.#frame.setAttribute("sandbox", SANDBOX);
    if (height) this.#frame.style.blockSize = `${height}px`;
    this.#frame.addEventListener("load", () => this.#loaded());
  }

  /** Our own page around a site. It is not loaded before it is seen: sites count who comes. */
  #besides(height) {
    this.#frame.loading = "lazy";
    this.#frame.classList.toggle("broker-page-whole", !height);
    if (height) this.#frame.style.blockSize = `${height}px`;
    addEventListener("message", (event) => {
      if (event.origin !== location.origin || event.source !== this.#frame.contentWindow || event.data?.type !== "crowd-submitted") return;
      this.dirty = false;
      this.dispatchEvent(new CustomEvent("crowd-submitted", { bubbles: true }));
    });
  }

  #loaded() {
    this.#loads += 1;
    if (this.#loads > 1) {
      this.#port?.close();
      this.#port = null;
      this.#tell("The page in this frame has gone elsewhere.", node("button", { type: "button", class: "button button-small", onclick: () => this.#again() }, "Load it again"));
      return;
    }
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }) => this.#heard(data);
    this.#frame.contentWindow.postMessage({ type: "crowd-frame" }, "*", [port2]); // the frame has no origin to name
    if (this.#awaited()) this.focus({ preventScroll: true });
  }

  /** Whether the page is on screen and nobody has gone anywhere else meanwhile. */
  #awaited() {
    const { activeElement } = document;
    const idle = activeElement === document.body || activeElement === this.#frame || activeElement?.contains(this);
    return idle && !this.closest("[inert], [hidden]") && Boolean(this.closest("[data-stage]"));
  }

  #again() {
    this.#loads = 0;
    this.#bar.replaceChildren();
    this.#frame.src = this.getAttribute("src");
  }

  /** Whatever a page says may be a lie: each message does one harmless thing, and what matters needs a person's act. */
  #heard(message) {
    if (message?.type === "height") this.#grow(message.height);
    else if (message?.type === "change") this.dirty = true;
    else if (message?.type === "answer") this.#answered(message.answer);
    else if (message?.type === "link" && acted()) this.#offer(message.url);
    else if (message?.type === "key" && acted() && KEYS.has(message.key)) document.dispatchEvent(new KeyboardEvent("keydown", { key: message.key, bubbles: true }));
  }

  #grow(height) {
    if (this.getAttribute("height") > 0 || !Number.isFinite(height)) return;
    const more = height - this.#frame.clientHeight;
    if (more === 0) return;
    // A page as high as its frame and a little more would grow for ever.
    this.#creeps = more > 0 && more <= CREEP ? this.#creeps + 1 : 0;
    if (this.#creeps < CREEPS) this.#frame.style.blockSize = `${Math.min(TALLEST, Math.max(80, Math.ceil(height)) + 2)}px`;
  }

  #answered(answer) {
    if (this.closest("[inert], [hidden]") || !fits(answer)) return;
    if (performance.now() - this.#asked < PATIENCE || acted()) this.#done(answer);
    else {
      this.#waiting = answer;
      this.#tell("The page has finished its answer. Press Submit to send it.");
    }
  }

  #done(answer) {
    this.#asked = -Infinity;
    this.#waiting = null;
    this.dirty = false;
    this.#bar.replaceChildren();
    this.dispatchEvent(new CustomEvent("crowd-submit", { bubbles: true, detail: { answer } }));
  }

  #offer(text) {
    const url = URL.canParse(text) && new URL(text);
    if (!url || !/^https?:$/u.test(url.protocol)) return;
    this.#tell("The page links to ", node("bdi", { class: "broker-page-host" }, url.host), " ",
      node("a", { class: "button button-small", href: url.href, target: "_blank", rel: "noopener noreferrer", onclick: () => this.#bar.replaceChildren() }, "Open in a new tab"));
  }

  #tell(...words) { this.#bar.replaceChildren(node("div", { class: "notice notice-info" }, icon("info"), node("div", {}, ...words))); }
}

/** Whether a person has clicked or pressed a key just now, in the frame or around it; no script can say that of itself. */
const acted = () => navigator.userActivation?.isActive ?? true;

function fits(answer) {
  try {
    return answer !== null && typeof answer === "object" && !Array.isArray(answer) && JSON.stringify(answer).length <= LARGEST;
  } catch {
    return false;
  }
}

export const tags = { "broker-page": Page };
