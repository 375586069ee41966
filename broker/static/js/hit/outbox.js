// Answers that the broker has not confirmed yet, in localStorage: neither a lost connection nor a closed tab loses one.
// One entry a key, so that tabs do not overwrite each other; sending one twice is harmless, the broker knows it by its assignment.

export const PREFIX = "crowd-broker:answer:";

export class Outbox {
  #memory = new Map(); // what localStorage refused (full, or switched off) is at least kept while the page lives
  #prefix;

  constructor(worker) {
    this.#prefix = `${PREFIX}${worker}:`;
  }

  /** Keep {assignment, job, answer, seconds, due}; before `due` (ms since the epoch) it can be undone. */
  put(letter) {
    this.#memory.set(letter.assignment, letter);
    try {
      localStorage.setItem(this.#prefix + letter.assignment, JSON.stringify(letter));
    } catch {
      console.warn("This browser keeps no local data: answers are only safe once they are sent.");
    }
  }

  remove(assignment) {
    this.#memory.delete(assignment);
    localStorage.removeItem(this.#prefix + assignment);
  }

  has(assignment) { return this.all().some((letter) => letter.assignment === assignment); }

  /** All entries of this worker, the oldest first. */
  all() {
    const found = new Map(this.#memory);
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(this.#prefix)) continue;
      const letter = readable(localStorage.getItem(key));
      if (letter) found.set(letter.assignment, letter);
    }
    return [...found.values()].toSorted((one, other) => one.due - other.due);
  }

  /** Those that may be sent at `now`. */
  due(now) { return this.all().filter((letter) => letter.due <= now); }
}

function readable(text) {
  try {
    const letter = JSON.parse(text);
    return letter?.assignment && letter.answer ? letter : null;
  } catch {
    return null;
  }
}
