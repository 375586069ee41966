// Elements that take single keys, and among them those whose changes can be undone.

import { Field } from "./field.js";
import { History } from "./history.js";
import { leave, take } from "./keys.js";

/** A subclass has press(key), which says whether the key was its own. */
export class Keyed extends Field {
  appear() { take(this); }
  vanish() { leave(this); }
}

/** A subclass has `state`, put(state), and the buttons `undoing` and `redoing`. */
export class Undoable extends Keyed {
  #history = new History(null);

  get undoable() { return this.#history.undoable; }
  get redoable() { return this.#history.redoable; }

  /** Begin with a state before which nothing can be undone. */
  start(state) {
    this.put(state);
    this.#history.reset(this.state);
    this.hush();
    this.offered();
  }

  /** What the worker has changed becomes a step that can be undone. */
  commit() {
    this.#history.push(this.state);
    this.changed();
    this.offered();
  }

  undo() { return this.#turn(-1, "Undone."); }
  redo() { return this.#turn(1, "Done again."); }

  #turn(by, said) {
    const state = this.#history.step(by);
    if (!state) return false;
    this.put(state);
    this.changed();
    this.offered();
    this.say(said);
    return true;
  }

  offered() {
    this.undoing.disabled = !this.undoable;
    this.redoing.disabled = !this.redoable;
  }

  say() { return null; }
}
