// What can be undone and done again: states, the newest last.

const MOST = 200;

export class History {
  #states = [];
  #at = -1;

  constructor(first) { this.reset(first); }

  reset(state) {
    this.#states = [structuredClone(state)];
    this.#at = 0;
  }

  push(state) {
    this.#states.splice(this.#at + 1, Infinity, structuredClone(state));
    if (this.#states.length > MOST) this.#states.shift();
    this.#at = this.#states.length - 1;
  }

  get undoable() { return this.#at > 0; }
  get redoable() { return this.#at < this.#states.length - 1; }

  /** The state one step back (-1) or ahead (1), or null at the end. */
  step(by) {
    if (by < 0 ? !this.undoable : !this.redoable) return null;
    this.#at += by;
    return structuredClone(this.#states[this.#at]);
  }
}
