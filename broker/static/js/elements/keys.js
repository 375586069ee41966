// Whose a single key press is: of the element that has the focus, or else of the first one on the page that takes keys.

import { free, keyed, sign, typing } from "./parts.js";

const takers = new Set();

/** Send single keys to `element.press(sign, event)`, and undo and redo to `element.undo()` and `.redo()`; true means taken. */
export const take = (element) => takers.add(element);
export const leave = (element) => takers.delete(element);

const earlier = (one, other) => (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);

function taker(target) {
  const all = [...takers].filter((one) => one.isConnected && !one.closest("[inert], [hidden]"));
  return all.find((one) => one.contains(target)) ?? all.toSorted(earlier)[0];
}

/** Ctrl or Cmd with Z undoes; with Y, or with Shift and Z, it redoes. */
function turned(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || typing(event)) return null;
  const letter = sign(event);
  if (letter === "y" || (letter === "z" && event.shiftKey)) return "redo";
  return letter === "z" ? "undo" : null;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog:modal")) return;
  const turn = turned(event);
  const one = turn || free(event) ? taker(event.target) : null;
  if (!one || (!turn && !keyed(one))) return;
  if (turn ? one[turn]?.() : one.press(sign(event), event)) event.preventDefault();
});
