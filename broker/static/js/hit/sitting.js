// What a sitting has come to: the answers, their pay, and how many HITs are left.

import { COUNTED } from "./shown.js";

export class Sitting {
  left = 0;
  answers = 0;
  earned = 0;
  #reward = 0;
  #counted = new Set(); // the assignments answered

  begin({ left, reward }) { [this.left, this.#reward] = [left, reward]; }

  add(id) {
    this.#counted.add(id);
    this.#sum(1);
  }

  takeBack(id) { if (this.#counted.delete(id)) this.#sum(-1); }

  /** The broker counts what is left only where that is little; until then every HIT that comes is one less. */
  hear({ left, assignment }) {
    if (Number.isInteger(left)) this.left = left;
    else if (left === null && assignment && this.left < COUNTED) this.left = Math.max(1, this.left - 1);
  }

  #sum(by) {
    this.answers += by;
    this.earned += by * this.#reward;
  }
}
