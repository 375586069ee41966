// The frame around what is drawn or marked: question and labels at the side, tools above the work, the list of what is there below.

import { fresh, node, pictured } from "./parts.js";

/**
 * Puts the frame into `element`, which has undo(), redo(), erase(), focus(), a line and a palette, and returns its parts: side, field,
 * bar, tools, undoing, redoing, erasing, list, rest, and hint, the id of the list of keys.
 */
export function frame(element, { name, how, help, listed }) {
  const [id, hint] = [fresh("question"), fresh("keys")];
  const act = (icon, text, run, className) => pictured(icon, text, () => { run(); element.focus(); }, className);
  const undoing = act("undo", "Undo", () => element.undo());
  const redoing = act("undo", "Redo", () => element.redo(), "crowd-redo");
  const erasing = act("trash", "Delete what is selected", () => element.erase());
  const tools = node("div", { class: "crowd-tools", role: "group", "aria-label": "Changes" }, undoing, redoing, erasing);
  const bar = node("div", { class: "crowd-bar" }, tools);
  const field = node("div", { class: "crowd-field" }, bar);
  const list = node("ol", { class: "crowd-list", "aria-label": listed, hidden: true });
  const keys = node("dl", { class: "crowd-keys", id: hint }, ...help.flatMap(([key, what]) => [node("dt", {}, key), node("dd", {}, what)]));
  const side = node("div", { class: "crowd-side" }, node("p", { class: "crowd-question", id, dir: "auto" }, name), element.line, element.palette.node);
  const rest = node("div", { class: "crowd-rest" }, list, node("details", { class: "crowd-help" }, node("summary", {}, how), keys));
  element.classList.add("crowd-board");
  element.setAttribute("role", "group");
  element.setAttribute("aria-labelledby", id);
  element.append(side, field, rest);
  return { side, field, bar, tools, undoing, redoing, erasing, list, rest, hint };
}
