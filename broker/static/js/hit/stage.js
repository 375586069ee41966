// Where HITs stand: the one on screen, and those behind it, built and with decoded images, so that the swap costs nothing.

/** An assignment on this page, with its time: `deadline` in milliseconds of our own clock, `seconds` while it was seen. */
export class Work {
  node = null;
  answer = null;
  started = false;
  #spent = 0;
  #since = null;

  constructor({ id, hit, html, reward, seconds }) {
    Object.assign(this, { id, hit, html, reward, deadline: Date.now() + seconds * 1000 });
  }

  get seconds() { return Math.round(this.#total() / 10) / 100; }

  /** Time counts only while the HIT is on screen and the page is seen. */
  count(seen) {
    this.#spent = this.#total();
    this.#since = seen ? performance.now() : null;
  }

  #total() { return this.#spent + (this.#since === null ? 0 : performance.now() - this.#since); }
}

export class Stage {
  #area;

  constructor(area) {
    this.#area = area;
    area.textContent = "";
  }

  /** Build a HIT behind the scene. Its HTML is our own template's, with every value escaped. */
  build(work) {
    if (work.node) return;
    work.node = document.createElement("div");
    Object.assign(work.node, { className: "hit-work", hidden: true, inert: true });
    work.node.innerHTML = work.html;
    this.#area.append(work.node);
    for (const image of work.node.querySelectorAll("img")) image.decode().catch(() => null);
  }

  form(work) { return work?.node?.querySelector("crowd-form, broker-page") ?? null; }

  show(work) {
    this.build(work);
    this.#hideAll();
    Object.assign(work.node, { hidden: false, inert: false });
    if (work.answer) this.form(work).answer = work.answer;
  }

  /** Bring the worker to the HIT that is shown: both steps ask for the page's layout. */
  enter(work) {
    scrollTo({ top: 0, behavior: "instant" });
    this.form(work)?.focus({ preventScroll: true });
  }

  drop(work) {
    work.node?.remove();
    work.node = null;
  }

  /** Show one of the page's templates instead of a HIT. */
  end(name, message = "", sum = "") {
    if (this.#area.dataset.end === name && !message) return;
    this.#hideAll();
    this.#area.dataset.end = name;
    const shown = document.getElementById(`end-${name}`).content.cloneNode(true);
    if (message) shown.querySelector("p").textContent = message;
    const line = shown.querySelector("[data-sum]");
    if (line) line.textContent = sum;
    this.#area.append(shown);
    if (name !== "waiting") this.#area.focus({ preventScroll: true });
  }

  #hideAll() {
    delete this.#area.dataset.end;
    for (const child of this.#area.querySelectorAll(":scope > *")) {
      if (child.classList.contains("hit-work")) Object.assign(child, { hidden: true, inert: true });
      else child.remove();
    }
  }
}
