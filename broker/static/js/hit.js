// The worker's page: HITs one after the other. The next one waits behind the one on screen, the last answer can be undone,
// and every answer is kept on this device until the broker has confirmed it.

import { prepare } from "./elements/index.js";
import { free, sign } from "./elements/parts.js";
import { Courier } from "./hit/courier.js";
import { LoggedOut, Refused, leave, post } from "./hit/door.js";
import { Guide } from "./hit/guide.js";
import { News } from "./hit/news.js";
import { Outbox } from "./hit/outbox.js";
import { Problem } from "./hit/problem.js";
import { Sitting } from "./hit/sitting.js";
import { announce, clearNotice, dismissNotice, line, notice, sum } from "./hit/shown.js";
import { Stage, Work } from "./hit/stage.js";
import { Timer } from "./hit/timer.js";

const UNDO = 8000; // how long the last answer is held back, in milliseconds
const DRAWN = 50; // after so many the next HIT is on screen; the network can wait for it
const GOODBYE = 3000; // how long Stop waits for a HIT that was asked for, in milliseconds

class Desk {
  #data;
  #outbox;
  #courier;
  #stage;
  #timer;
  #guide;
  #news;
  #problem;
  #current = null;
  #queue = [];
  #held = null;
  #dry = null; // the broker's last word if it had no HIT
  #end = "none"; // which of the page's ends that was
  #full = false; // whether our hands were full when we last asked: ask again when an answer has left them
  #offline = false;
  #gone = false;
  #skipped = new Set(); // the HITs skipped in this sitting: when they come again, there is no other one
  #sitting = new Sitting();
  #flush = 0;

  static open(data) { return new Desk(data); }

  constructor(data) {
    this.#data = data;
    this.#stage = new Stage(document.querySelector("[data-stage]"));
    this.#guide = new Guide(data.job, () => this.focus());
    document.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("keydown", (event) => this.#pressed(event));
    document.addEventListener("crowd-submit", (event) => this.submit(event.detail.answer));
    document.addEventListener("crowd-submitted", (event) => this.accepted(event.target));
    if (data.preview) this.#preview();
    else this.#begin();
  }

  #preview() {
    const { assignment } = this.#data;
    if (assignment) this.#stage.show(this.#current = new Work({ id: null, seconds: 0, ...assignment }));
    else this.#stage.end("nothing");
  }

  #begin() {
    const { job, worker, assignment } = this.#data;
    this.#sitting.begin(job);
    this.#outbox = new Outbox(worker);
    this.#timer = new Timer(document.querySelector("[data-timer]"), { soon: (seconds) => this.#soon(seconds), over: () => this.#over() });
    this.#news = new News(job, { opened: () => this.#current?.count(false), closed: () => { this.#current?.count(!document.hidden); this.focus(); } });
    this.#problem = new Problem((skip) => this.#reported(skip));
    this.#courier = new Courier(job.id, this.#outbox, this);
    document.addEventListener("visibilitychange", () => this.#current?.count(!document.hidden));
    addEventListener("pagehide", () => this.#hidden());
    // What stands in the frame of a requester's page is lost with it; what our own elements hold is soon given again.
    addEventListener("beforeunload", (event) => { if (this.#stage.form(this.#current)?.dirty) event.preventDefault(); });
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
    // An answer that was held back when the page was left is sent now, not asked for again.
    if (assignment && !this.#outbox.has(assignment.id)) this.received(assignment, {});
    else this.#advance();
    this.#courier.kick();
  }

  focus() { (this.#stage.form(this.#current) ?? document.querySelector("[data-stage]")).focus({ preventScroll: true }); }

  // ---- what the courier asks and tells ----

  /** Whether a HIT should be claimed: none waits behind the one on screen, and the broker has not said that there is none. */
  hungry() { return !this.#gone && !this.#queue.length && !this.#dry && !this.#full; }

  have() { return [...[this.#current, ...this.#queue].filter(Boolean).map(({ id }) => id), ...this.#outbox.all().map(({ assignment }) => assignment)]; }

  unstarted() { return this.#current && !this.#current.started ? this.#current.id : null; }

  received(assignment, reply) {
    this.#sitting.hear(reply);
    if (this.#gone) {
      leave([assignment.id]);
      return;
    }
    if (this.have().includes(assignment.id)) return;
    if (this.#skipped.has(assignment.hit)) {
      this.#onlySkipped(assignment.id);
      return;
    }
    const work = new Work(assignment);
    this.#stage.build(work);
    this.#queue.push(work);
    if (!this.#current) this.#advance();
  }

  #onlySkipped(id) {
    this.#dry = "Only HITs that you skipped are left. Others may take them now.";
    this.#end = "skipped";
    this.#courier.giveBack(id);
    if (!this.#current) this.#advance();
  }

  dry(reply) {
    this.#sitting.hear(reply);
    this.#full = !reply.message;
    this.#dry = reply.message || null;
    this.#end = "none";
    // Hands full of HITs that this page does not have: another tab works on them.
    if (this.#full && !this.#current) setTimeout(() => this.again(), UNDO);
    if (!this.#current) this.#advance();
  }

  started(id) {
    const work = this.#find(id);
    if (!work) return;
    work.started = true;
    if (work.deadline > Date.now()) work.deadline = Date.now() + this.#data.job.lease_seconds * 1000;
    if (work === this.#current) this.#clock();
  }

  lapsed(id) {
    const work = this.#find(id);
    if (work) Object.assign(work, { started: true, deadline: Math.min(work.deadline, Date.now()) });
    if (work === this.#current) this.#clock();
  }

  /** The answer is on its way: it can no longer be undone. */
  leaving(id) {
    if (this.#held?.id === id) this.#release();
  }

  sent(letter, reply) {
    if (!reply.assignment) this.#sitting.hear(reply);
    this.#forget(letter.assignment);
    if (reply.late) announce("The answer came after its time had run out, but it counts.");
  }

  refused(letter, reason) {
    this.#forget(letter.assignment);
    this.#sitting.takeBack(letter.assignment);
    notice("warn", `An answer was not accepted. ${reason}`, ["Got it", "dismiss"], true);
    this.#report();
  }

  closed(reason) {
    this.#dry = reason;
    this.#end = "refused";
    if (!this.#current) this.#advance();
    this.#report();
  }

  loggedOut() {
    this.#current?.count(false);
    if (this.#current) this.#queue.unshift(this.#current);
    this.#current = null;
    this.#timer.stop();
    this.#stage.end("login");
    this.#report();
  }

  online(yes) {
    if (this.#offline === !yes) {
      this.#report();
      return;
    }
    this.#offline = !yes;
    announce(yes ? "Connected again." : "No connection. Answers are kept on this device.");
    if (!this.#current) this.#advance();
    this.#report();
  }

  // ---- what the worker does ----

  submit(answer) {
    if (this.#data.preview) {
      notice("info", "This is a preview: nothing is sent. Accept the job to submit answers.");
      return;
    }
    const work = this.#current;
    if (!work) return;
    work.count(false);
    this.#release();
    work.answer = answer;
    this.#held = work;
    work.node.dataset.held = "";
    this.#outbox.put({ assignment: work.id, job: this.#data.job.id, answer, seconds: work.seconds, due: Date.now() + UNDO });
    this.#sitting.add(work.id);
    clearTimeout(this.#flush);
    this.#flush = setTimeout(() => { this.#release(); this.#courier.kick(); }, UNDO);
    this.#current = null;
    this.#advance();
    setTimeout(() => this.#courier.kick(), DRAWN);
  }

  /** A site of the requester's has sent the answer itself: it cannot be undone, the next HIT is due. */
  accepted(form) {
    const work = this.#current;
    if (!work || form !== this.#stage.form(work)) return;
    this.#release();
    this.#sitting.add(work.id);
    this.#current = null;
    this.#stage.drop(work);
    this.#full = false;
    this.#dry = null;
    this.#advance();
    this.#courier.kick();
  }

  /** The held answer can no longer be undone: it may be sent. At the end of the work, ask once more while at it. */
  #release() {
    const work = this.#held;
    if (!work) return;
    this.#held = null;
    const letter = this.#outbox.all().find(({ assignment }) => assignment === work.id);
    if (letter) this.#outbox.put({ ...letter, due: Date.now() - 1 });
    this.#stage.drop(work);
    if (!this.#current) this.#dry = null;
    this.#report();
  }

  undo() {
    const work = this.#held;
    if (!work) return;
    clearTimeout(this.#flush);
    this.#outbox.remove(work.id);
    this.#held = null;
    this.#sitting.takeBack(work.id);
    if (this.#current) {
      this.#current.count(false);
      this.#queue.unshift(this.#current);
    }
    this.#queue.unshift(work);
    work.started = false;
    delete work.node.dataset.held;
    this.#current = null;
    this.#advance();
    announce("Undone. Your last answer is on screen again.");
    this.#courier.kick();
  }

  skip() {
    const work = this.#current;
    if (!work) return;
    this.#current = null;
    this.#skipped.add(work.hit);
    this.#stage.drop(work);
    this.#dry = null;
    this.#full = false;
    this.#advance();
    this.#courier.giveBack(work.id);
    announce("Skipped.");
  }

  async extend() {
    const work = this.#current;
    if (!work) return;
    try {
      const { seconds } = await post("/work/extend", { assignment: work.id });
      work.deadline = Date.now() + seconds * 1000;
      clearNotice();
      if (work === this.#current) this.#clock();
      announce("You have more time.");
    } catch (error) {
      if (error instanceof LoggedOut) this.loggedOut();
      else notice("warn", error instanceof Refused ? error.message : "No connection: the time could not be extended.", ["Try again", "extend"]);
    }
    this.focus();
  }

  /** Leave on purpose: everything that is not answered goes back to the others, also what a claim under way still brings. */
  stop(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // that opens another page; this one stays
    this.#gone = true;
    if (this.#courier.busy) {
      event.preventDefault();
      const { href } = event.target.closest("a");
      this.#courier.settled(GOODBYE).then(() => location.assign(href));
    }
    this.#courier.farewell();
    const ids = [this.#current, ...this.#queue].filter(Boolean).map(({ id }) => id);
    if (ids.length) leave(ids);
  }

  again() {
    if (this.#current) return;
    this.#skipped.clear();
    this.#dry = null;
    this.#full = false;
    this.#advance();
    this.#courier.kick();
  }

  // ---- the page ----

  /** Bring the next HIT on screen, or say why there is none. */
  #advance() {
    if (this.#current) return;
    clearNotice();
    while (this.#queue.length && this.#queue[0].deadline < Date.now() && !this.#queue[0].answer) this.#stage.drop(this.#queue.shift());
    const work = this.#queue.shift();
    if (work) {
      this.#current = work;
      this.#stage.show(work);
      work.count(!document.hidden);
      this.#clock();
      announce("Next HIT.");
      this.#report();
      this.#stage.enter(work); // after every change, so that the page is laid out once
      this.#news.tell();
    } else {
      this.#timer.stop();
      if (this.#dry) this.#stage.end(this.#end, this.#dry, sum(this.#sitting));
      else this.#stage.end(this.#offline ? "offline" : "waiting");
      this.#report();
    }
  }

  #clock() { this.#timer.set(this.#current.deadline, this.#data.job.lease_seconds); }
  #soon(seconds) { announce(`${seconds} seconds left for this HIT. Press More time to keep it.`); }
  #over() { notice("warn", "The time for this HIT is up. You can still submit: the answer counts unless somebody else has got the HIT.", ["Next HIT", "skip"]); }

  #reported(skip) {
    if (skip) this.skip();
    notice("good", "Your report was sent to the requester. Thank you.", ["Close", "dismiss"]);
  }

  #hidden() {
    if (this.#gone) return;
    this.#courier.farewell();
    // The HIT on screen stays the worker's, so that reloading the page shows it again; those never seen go back.
    const unseen = this.#queue.filter((work) => !work.started).map(({ id }) => id);
    if (unseen.length) leave(unseen);
  }

  #find(id) { return [this.#current, ...this.#queue].find((work) => work?.id === id); }

  #forget(id) {
    this.#full = false;
    if (this.#held?.id !== id) return;
    this.#stage.drop(this.#held);
    this.#held = null;
  }

  #report() {
    if (this.#data.preview) return;
    const unsent = this.#outbox.all().filter(({ assignment }) => assignment !== this.#held?.id || this.#offline).length;
    const ended = !this.#current && (this.#dry !== null || document.querySelector("[data-stage]").dataset.end === "login");
    line({ ...this.#sitting, left: ended ? 0 : this.#sitting.left, unsent, offline: this.#offline });
    document.querySelector("[data-act=undo]").disabled = !this.#held;
    for (const name of ["skip", "problem", "submit"]) {
      const away = name === "submit" && this.#stage.form(this.#current)?.matches("[sort=external]"); // that has a button of its own
      Object.assign(document.querySelector(`.hit-foot [data-act=${name}]`), { disabled: !this.#current, hidden: Boolean(ended || away) });
    }
  }

  #act(name, event) {
    const acts = {
      submit: () => this.#stage.form(this.#current)?.submit?.(event.timeStamp),
      undo: () => this.undo(), skip: () => this.skip(), extend: () => this.extend(), again: () => this.again(), stop: () => this.stop(event),
      // A dialog gives the focus back to where it was: to the HIT, so that Enter is the HIT's again.
      problem: () => { this.focus(); if (this.#current) this.#problem.open(this.#current.id); },
      guide: () => { this.focus(); this.#guide.toggle(); },
      "whole-guide": () => { this.#news.close(); this.#guide.open(true); },
      dismiss: () => { dismissNotice(); this.focus(); },
    };
    acts[name]?.();
  }

  #clicked(event) {
    const name = event.target.closest("[data-act]")?.dataset.act;
    if (name) this.#act(name, event);
  }

  #pressed(event) {
    if (!this.#data.shortcuts || !free(event)) return;
    const name = { z: "undo", s: "skip", p: "problem", "?": "guide" }[sign(event)];
    if (!name || (this.#data.preview && name !== "guide")) return;
    event.preventDefault();
    this.#act(name, event);
  }
}

const data = JSON.parse(document.getElementById("hit-data").textContent);
// A key pressed as soon as the first HIT is seen finds its elements there.
if (data.assignment) await prepare(data.assignment.html);
Desk.open(data);
