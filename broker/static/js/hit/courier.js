// Carries answers out and HITs in: one request at a time, in order, again after a while when nobody answers.

import { LoggedOut, Refused, Unreachable, farewell, post, submitPath } from "./door.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

/** `desk` answers hungry(), have(), unstarted() and is told received(), dry(), started(), lapsed(), leaving(), sent(), refused(), closed(), loggedOut(), online(). */
export class Courier {
  #job;
  #outbox;
  #desk;
  #returns = [];
  #busy = false;
  #under = null; // what is under way
  #stopped = false;
  #wait = FIRST_WAIT;
  #alarm = 0;

  constructor(job, outbox, desk) {
    this.#job = job;
    this.#outbox = outbox;
    this.#desk = desk;
    addEventListener("online", () => this.kick());
  }

  /** Do what there is to do; forget how long the last failure made us wait. */
  kick() {
    this.#wait = FIRST_WAIT;
    this.#stopped = false;
    this.#run();
  }

  /** Give a HIT back, before anything else is asked for. */
  giveBack(id) {
    this.#returns.push(id);
    this.#run();
  }

  /** The page goes away: send what is held back now; what does not arrive is still in the outbox next time. */
  farewell() {
    for (const letter of this.#outbox.all()) farewell(submitPath(letter), this.#submission(letter, { claim: false, start: null, have: [] }));
  }

  /** Until the requests under way are answered, but at most so many milliseconds. */
  async settled(most) { await Promise.race([this.#under, new Promise((done) => setTimeout(done, most))]); }

  get busy() { return this.#busy; }

  #run() {
    if (this.#busy || this.#stopped) return;
    clearTimeout(this.#alarm);
    this.#busy = true;
    this.#under = this.#loop();
  }

  async #loop() {
    try {
      while (!this.#stopped && (await this.#step())) this.#wait = FIRST_WAIT;
      this.#wake();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#busy = false;
    }
  }

  /** Come back when the answer held back for undo may be sent, also one that another page of ours has left behind. */
  #wake() {
    const [next] = this.#outbox.all();
    if (next) this.#alarm = setTimeout(() => this.#run(), Math.max(0, next.due - Date.now()) + 5);
  }

  #failed(error) {
    if (error instanceof LoggedOut) {
      this.#stopped = true;
      this.#desk.loggedOut();
    } else if (error instanceof Unreachable) {
      this.#desk.online(false);
      this.#alarm = setTimeout(() => this.#run(), this.#wait);
      this.#wait = Math.min(LONGEST_WAIT, this.#wait * 2);
    } else {
      throw error;
    }
  }

  /** One request; false if there was nothing to do. */
  async #step() {
    const letter = this.#outbox.due(Date.now())[0];
    if (this.#returns.length) await this.#return();
    else if (letter) await this.#submit(letter);
    else if (this.#desk.hungry()) await this.#claim();
    else if (this.#desk.unstarted()) await this.#start();
    else return false;
    this.#desk.online(true);
    return true;
  }

  async #return() {
    const [id] = this.#returns;
    await post("/work/return", { assignment: id }).catch(unlessRefused);
    this.#returns.shift();
  }

  async #submit(letter) {
    this.#desk.leaving(letter.assignment);
    const own = letter.job === this.#job;
    const rest = { claim: own && this.#desk.hungry(letter), start: own ? this.#desk.unstarted() : null, have: this.#desk.have() };
    let reply;
    try {
      reply = await this.#starting(rest.start, () => post(submitPath(letter), this.#submission(letter, rest)), () => post(submitPath(letter), this.#submission(letter, { ...rest, start: null })));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#outbox.remove(letter.assignment);
      this.#desk.refused(letter, error.message);
      return;
    }
    this.#outbox.remove(letter.assignment);
    this.#desk.sent(letter, reply);
    if (rest.claim) this.#take(reply);
  }

  async #claim() {
    const path = `/work/${this.#job}/claim`;
    const body = { have: this.#desk.have(), start: this.#desk.unstarted() };
    try {
      this.#take(await this.#starting(body.start, () => post(path, body), () => post(path, { ...body, start: null })));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#stopped = true;
      this.#desk.closed(error.message);
    }
  }

  /** More time and a fresh start are the same to the broker: the lease counts from now. */
  async #start() {
    const id = this.#desk.unstarted();
    await this.#starting(id, () => post("/work/extend", { assignment: id }), () => null);
  }

  /** A lease that ran out must not take the answer in the same request down with it: ask again without the start. */
  async #starting(id, first, again) {
    try {
      const reply = await first();
      if (id) this.#desk.started(id);
      return reply;
    } catch (error) {
      if (!id || !(error instanceof Refused)) throw error;
      const reply = await again();
      this.#desk.lapsed(id);
      return reply;
    }
  }

  #take(reply) {
    if (reply.assignment) this.#desk.received(reply.assignment, reply);
    // A HIT that was skipped meanwhile goes back first: what was true of the log may not be so any more.
    else if (!this.#returns.length) this.#desk.dry(reply);
  }

  #submission({ assignment, answer, seconds }, rest) {
    return { assignment, answer, seconds, ...rest };
  }
}

function unlessRefused(error) {
  if (!(error instanceof Refused)) throw error;
}
