// The guide: beside the HIT where there is room, a dialog in front of it elsewhere; open by itself at a worker's first visit.

const WIDE = matchMedia("(width >= 75rem)");

export class Guide {
  #dialog = document.getElementById("guide");
  #button = document.querySelector("[data-act=guide]");
  #key;
  #back;

  /** `back` gives the focus to the HIT. */
  constructor(job, back) {
    this.#key = `crowd-broker:guide:${job.id}`;
    this.#back = back;
    this.#dialog.addEventListener("close", () => this.#closed());
    this.#dialog.addEventListener("keydown", (event) => { if (event.key === "Escape" && !this.#dialog.matches(":modal")) this.#dialog.close(); });
    WIDE.addEventListener("change", () => { if (this.#dialog.open) this.#dialog.close(); });
    if (job.guide && WIDE.matches && remembered(this.#key) !== "closed") this.open();
  }

  toggle() {
    if (this.#dialog.open) this.#dialog.close();
    else this.open(true);
  }

  open(asked = false) {
    if (this.#dialog.open) return;
    if (WIDE.matches) this.#dialog.show();
    else this.#dialog.showModal();
    this.#button?.setAttribute("aria-expanded", "true");
    if (asked) remember(this.#key, "open");
    if (WIDE.matches) this.#back();
  }

  #closed() {
    this.#button?.setAttribute("aria-expanded", "false");
    remember(this.#key, "closed");
    if (WIDE.matches) this.#back();
  }
}

function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then the guide opens by itself again next time.
  }
}
