// Loads the crowd elements that are on the page, and those that come to it later: a page pays only for what it shows.
// Pages and templates need this one script; the style sheets it needs come with it.

import { Button } from "./button.js";
import { Form } from "./form.js";
import { HOME, SHEETS } from "./registry.js";

const EVERYWHERE = ["tokens", "forms", "parts", "crowd"];
const loads = new Map();
let last = null; // the last of our sheets on the page

/** Put a style sheet of ours on the page unless it is there; resolves when it has come, or will not come. */
function sheet(name) {
  const { href } = new URL(`../../css/${name}.css`, import.meta.url);
  const there = [...document.querySelectorAll("link[rel=stylesheet]")].find((link) => link.href === href);
  const link = there ?? Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  // In the order of the layers, and before the page's own sheets, which have the last word.
  if (!there && last) last.after(link);
  else if (!there) document.head.prepend(link);
  last = link;
  return there ? null : new Promise((done) => { link.onload = link.onerror = done; });
}

const define = (tags) => Object.entries(tags).forEach(([tag, element]) => customElements.get(tag) ?? customElements.define(tag, element));

async function load(module) {
  const [{ tags }] = await Promise.all([import(`./${module}.js`), ...(SHEETS[module] ?? []).map((name) => sheet(`crowd-${name}`))]);
  define(tags);
}

/** Load what `root` and what is in it needs. */
function need(root) {
  const waiting = [root, ...root.querySelectorAll(":not(:defined)")].map((one) => HOME[one.localName]).filter(Boolean);
  return Promise.allSettled([...new Set(waiting)].map((module) => {
    // What could not be loaded is tried again with the next element that needs it.
    if (!loads.has(module)) loads.set(module, load(module).catch(() => loads.delete(module)));
    return loads.get(module);
  }));
}

/** Load what a page's HTML will need before it is shown; resolves also where something could not be loaded. */
export function prepare(html) {
  const page = document.createElement("template");
  page.innerHTML = html;
  return need(page.content);
}

const watch = new MutationObserver((changes) => {
  for (const change of changes) for (const added of change.addedNodes) if (added.nodeType === Node.ELEMENT_NODE) need(added);
});

await Promise.all(EVERYWHERE.map(sheet));
define({ "crowd-button": Button, "crowd-form": Form });
watch.observe(document.documentElement, { childList: true, subtree: true });
await need(document.documentElement);
// Ground Truth's templates wait for this before they touch an element.
document.dispatchEvent(new CustomEvent("all-crowd-elements-ready"));
