// What the page says around the HIT: the status line, notices, and sentences for screen readers.

import { icon, node } from "../elements/parts.js";

/** An amount of micro-units with at least two decimals. */
export function money(micros) {
  const [whole, rest = ""] = (micros / 1_000_000).toFixed(6).replace(/0+$/u, "").split(".");
  return `${whole}.${rest.padEnd(2, "0")}`;
}

export const COUNTED = 500; // the broker does not count further
const number = new Intl.NumberFormat(document.documentElement.lang);
const say = document.querySelector("[data-say]");
const status = document.querySelector("[data-status]");
const notices = document.querySelector("[data-notices]");

/** Tell a screen reader; the same sentence twice is told twice. */
export function announce(text) {
  say.textContent = "";
  setTimeout(() => { say.textContent = text; }, 30);
}

/** Work left, work done in this sitting, and answers that wait for the connection. */
export function line({ left, answers, earned, unsent, offline }) {
  const parts = [];
  if (left > 0) parts.push(`${number.format(left)}${left >= COUNTED ? "+" : ""} left`);
  if (answers) parts.push(`${number.format(answers)} done now · ${money(earned)} earned`);
  status.replaceChildren(parts.join(" · "));
  if (!offline) return;
  const words = unsent ? `${unsent} ${unsent === 1 ? "answer" : "answers"} not sent yet` : "No connection";
  status.prepend(node("span", { class: "hit-unsent" }, words), parts.length ? " · " : "");
}

export const sum = ({ answers, earned }) => (answers ? `${number.format(answers)} ${answers === 1 ? "answer" : "answers"} · ${money(earned)} earned in this sitting` : "");

/** A notice over the HIT in place of the last one; `act` is [text, name] of a button in it. One that stays is only replaced by its like. */
export function notice(tone, text, act = null, stays = false) {
  const button = act && node("button", { type: "button", class: "button button-small", "data-act": act[1] }, act[0]);
  if (stays) dismissNotice();
  else clearNotice();
  notices.append(node("div", { class: `notice notice-${tone}`, "data-stays": stays ? "" : null }, icon(tone), node("div", {}, text), button));
  announce(text);
}

/** Take away the notice that belongs to the HIT which leaves the screen. */
export function clearNotice() { notices.querySelector(":scope > :not([data-stays])")?.remove(); }

export function dismissNotice() { notices.replaceChildren(); }
