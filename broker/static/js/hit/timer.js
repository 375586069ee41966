// The time left of the HIT on screen: quiet, then a warning early enough to ask for more, then the end.

const words = (seconds) => {
  if (seconds >= 5400) return `${Math.round(seconds / 3600)} h`;
  if (seconds >= 600) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
};

/** How many seconds before the end to warn: a quarter of the lease, 20 s to a minute, never the whole lease. */
export const warning = (lease) => Math.min(lease - 5, Math.max(20, Math.min(60, lease / 4)));

export class Timer {
  #view;
  #on;
  #deadline = 0;
  #lease = 0;
  #stage = "";

  /** `on` has soon(seconds) and over(). */
  constructor(view, on) {
    this.#view = view;
    this.#on = on;
    setInterval(() => this.#tick(), 250);
  }

  /** Count to `deadline`, in milliseconds of Date.now(). */
  set(deadline, lease) {
    this.#deadline = deadline;
    this.#lease = lease;
    this.#stage = "calm";
    this.#show();
    this.#tick();
  }

  stop() {
    this.#deadline = 0;
    this.#view.hidden = true;
  }

  #tick() {
    if (!this.#deadline) return;
    const left = Math.max(0, (this.#deadline - Date.now()) / 1000);
    const text = left > 0 ? words(left) : "Time is up";
    const clock = this.#view.querySelector("[data-left]");
    if (clock.textContent !== text) clock.textContent = text;
    const stage = left <= 0 ? "over" : left <= warning(this.#lease) ? "soon" : "calm";
    if (stage === this.#stage) return;
    this.#stage = stage;
    this.#show();
    if (stage === "soon") this.#on.soon(Math.round(left));
    if (stage === "over") this.#on.over();
  }

  #show() {
    this.#view.hidden = false;
    this.#view.classList.toggle("hit-soon", this.#stage === "soon");
    this.#view.classList.toggle("hit-over", this.#stage === "over");
    this.#view.querySelector("button").hidden = this.#stage !== "soon";
  }
}
