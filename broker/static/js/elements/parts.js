// What the crowd elements share: making nodes, waiting for children, and which keys are theirs.

let numbers = 0;

/** An id that no other element of the page has. */
export const fresh = (word) => `crowd-${word}-${(numbers += 1)}`;

/** A node with properties (`class`, `aria-…`, `on…` and any property) and children; null leaves something out. */
export function node(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.includes("-")) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const ICONS = new URL("../../img/icons.svg", import.meta.url);

/** A picture from our sheet of icons. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  drawn.append(document.createElementNS(space, "use"));
  // A page in a frame of no origin may not use another's pictures: it brings our sheet in itself.
  const brought = `crowd-icon-${name}`;
  drawn.firstChild.setAttribute("href", document.getElementById(brought) ? `#${brought}` : `${ICONS.pathname}#${name}`);
  return drawn;
}

/** Call `act` once the element's children are there: at once, or when the parser is through with the page. */
export function whenParsed(act) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", act, { once: true });
  else act();
}

/** The keys that choose labels, in their order; p, s and z are left to the page (problem, skip, undo). */
export const LABEL_KEYS = [..."1234567890abcdefghijklmnoqrtuvwxy"];

/** The sign a key press means; the key's place decides for digits and for alphabets that are not Latin. */
export function sign(event) {
  const { key, code } = event;
  const digit = /^(?:Digit|Numpad)(\d)$/u.exec(code)?.[1];
  if (digit !== undefined && key.length === 1 && (!event.shiftKey || /\d/u.test(key))) return digit;
  const letter = /^Key([A-Z])$/u.exec(code)?.[1];
  return letter && key.length === 1 && key > "~" ? letter.toLowerCase() : key.toLowerCase();
}

const TYPED = "input:not([type=radio], [type=checkbox], [type=button], [type=submit]), textarea, select, [contenteditable]:not([contenteditable=false])";

/** Whether somebody is typing a text. */
export const typing = (event) => Boolean(event.target.closest?.(TYPED));

/** Whether a key press is meant for the page: nobody is typing, no dialog is in front, no other key is held. */
export function free(event) {
  if (event.defaultPrevented || event.repeat || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return false;
  return !typing(event) && !document.querySelector("dialog:modal");
}

/** Whether single keys may act on `element`: it is on screen, and the person has not switched them off (WCAG 2.1.4). */
export const keyed = (element) => !element.closest("[inert], [hidden], [data-shortcuts=off]");

/** What stands where an image could not be loaded: a word, and a button to try again. */
export function broken(retry) {
  return node("div", { class: "crowd-broken", role: "alert" }, icon("image"), node("p", {}, "This image could not be loaded."),
    node("button", { type: "button", class: "button button-small", onclick: retry }, "Try again"));
}

/** A button that only shows a picture. */
export const pictured = (name, text, act, className = "") => node("button", { type: "button", class: className, "aria-label": text, title: text, onclick: act }, icon(name));
