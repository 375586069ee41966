// What changed in the guide: told once, in front of the next HIT, also when it changes while the page is open.

import { post } from "./door.js";

const EVERY = 60_000; // how often the page asks whether the guide has changed, in milliseconds

export class News {
  #dialog = document.getElementById("changes");
  #job;
  #on;
  #version;
  #pending;

  /** `on` is told when the dialog is `opened` and `closed`. */
  constructor(job, on) {
    this.#job = job;
    this.#on = on;
    this.#version = job.version;
    this.#pending = job.changed ? {} : null;
    this.#dialog.addEventListener("close", () => this.#closed());
    // A click beside a dialog closes it; this one is closed on purpose only.
    this.#dialog.addEventListener("click", (event) => { if (event.target === this.#dialog) event.stopPropagation(); });
    document.addEventListener("visibilitychange", () => this.#ask());
    setInterval(() => this.#ask(), EVERY);
    // Who comes to a guide that was changed before has seen it as it is now.
    if (job.version > 1 && !job.changed) this.#seen();
  }

  /** Tell what is to be told, if anything is. */
  tell() {
    if (!this.#pending || this.#dialog.open) return;
    const { changes, guide } = this.#pending;
    // Both are pieces of our own pages, with every value escaped.
    if (changes) this.#dialog.querySelector("[data-changes]").innerHTML = changes;
    if (guide) document.querySelector("[data-guide-text]").innerHTML = guide;
    this.#dialog.showModal();
    this.#dialog.querySelector("h2").focus();
    this.#on.opened();
  }

  close() { this.#dialog.close(); }

  async #ask() {
    if (document.hidden || this.#pending) return;
    const reply = await fetch(`/work/${this.#job.id}/guide?version=${this.#version}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (reply?.status !== 200 || this.#pending) return;
    const told = await reply.json().catch(() => null);
    if (!told) return;
    this.#version = told.version;
    this.#pending = told;
  }

  #closed() {
    this.#pending = null;
    this.#seen();
    this.#on.closed();
  }

  /** If this gets lost, the worker is told once more another time. */
  #seen() { post(`/work/${this.#job.id}/guide`, { version: this.#version }).catch(() => null); }
}
