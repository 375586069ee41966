// Sends what a closed HIT page has left in the outbox, from any other page.

import { icon, node } from "../elements/parts.js";
import { Refused, post, submitPath } from "./door.js";
import { Outbox } from "./outbox.js";

/** Send all answers of `worker`; those that can still be undone in another tab when their time is over. */
export async function send(worker) {
  const outbox = new Outbox(worker);
  let fresh = 0;
  for (const letter of outbox.due(Date.now())) {
    const sent = await deliver(letter);
    if (sent === null) return;
    outbox.remove(letter.assignment);
    if (sent) fresh += 1;
  }
  if (fresh) tell(`${fresh} ${fresh === 1 ? "answer from earlier was" : "answers from earlier were"} sent.`);
  const [next] = outbox.all();
  if (next) setTimeout(() => send(worker), Math.max(0, next.due - Date.now()) + 5);
}

/** True if the broker did not have it yet, false if it did or does not want it, null if it did not answer. */
async function deliver(letter) {
  const { assignment, answer, seconds } = letter;
  try {
    const reply = await post(submitPath(letter), { assignment, answer, seconds, claim: false, start: null, have: [] });
    return !reply.repeated;
  } catch (error) {
    return error instanceof Refused ? false : null;
  }
}

function tell(text) {
  document.getElementById("main")?.prepend(node("div", { class: "flashes", role: "status" }, node("div", { class: "notice notice-good" }, icon("good"), node("div", {}, text))));
}
