// What every page does beyond plain HTML: local times, dialogs, questions before acting, dropped files, live fragments.

const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
const distance = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function ago(then) {
  const seconds = (then - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return distance.format(Math.round(seconds / size), unit);
}

/** Show each <time data-show> under `root` in the reader's own zone. */
export function localTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-show]")) {
    const then = new Date(element.dateTime);
    if (Number.isNaN(then.valueOf())) continue;
    element.textContent = element.dataset.show === "ago" ? ago(then) : moment.format(then);
    element.title = moment.format(then);
  }
}

/** Ask `question` in a dialog; resolves to true when it was confirmed. */
export function ask(question, yes = "Continue") {
  const box = document.createElement("dialog");
  box.className = "dialog";
  box.innerHTML = '<form method="dialog"><div class="dialog-body"><p id="ask-text"></p></div><div class="dialog-foot"><button class="button" value="">Cancel</button><button class="button button-primary" value="yes"></button></div></form>';
  box.setAttribute("aria-labelledby", "ask-text");
  box.querySelector("p").textContent = question;
  box.querySelector(".button-primary").textContent = yes;
  document.body.append(box);
  box.showModal();
  return new Promise((resolve) => {
    box.addEventListener("close", () => { box.remove(); resolve(box.returnValue === "yes"); }, { once: true });
  });
}

function onClick(event) {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  event.target.closest("[data-close]")?.closest("dialog")?.close();
  // A click on the backdrop has the dialog itself as its target.
  if (event.target instanceof HTMLDialogElement && event.target.matches(".dialog")) {
    const edge = event.target.getBoundingClientRect();
    const inside = event.clientX >= edge.left && event.clientX <= edge.right && event.clientY >= edge.top && event.clientY <= edge.bottom;
    if (!inside) event.target.close();
  }
}

async function onSubmit(event) {
  const form = event.target;
  const { submitter } = event;
  if (form.dataset.confirm && !form.dataset.confirmed) {
    event.preventDefault();
    if (!(await ask(form.dataset.confirm, submitter?.textContent.trim()))) return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(submitter);
    return;
  }
  // Busy from the next turn on: a button that is disabled now would not be among the form's fields.
  if (form.method === "post" && !event.defaultPrevented) setTimeout(() => submitter?.setAttribute("aria-busy", "true"));
}

function fileDrops() {
  for (const area of document.querySelectorAll("[data-drop]")) {
    const input = area.querySelector("input");
    const output = area.querySelector("output");
    const show = () => { output.value = [...input.files].map((file) => `${file.name} (${size(file.size)})`).join(", "); };
    input.addEventListener("change", show);
    for (const name of ["dragenter", "dragover"]) area.addEventListener(name, () => area.classList.add("over"));
    for (const name of ["dragleave", "drop"]) area.addEventListener(name, () => area.classList.remove("over"));
  }
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(3, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${["", "kB", "MB", "GB"][power]}`;
}

/** Keep each <div data-poll="URL" data-every="SECONDS"> fresh while the page is seen. The server answers with the fragment,
 *  304 when nothing has changed, or 204 when the page has reached its end and should be loaded anew. */
function liveFragments() {
  for (const area of document.querySelectorAll("[data-poll]")) {
    let tag = "";
    const look = async () => {
      if (document.visibilityState === "visible") {
        const reply = await fetch(area.dataset.poll, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" }).catch(() => null);
        if (reply?.status === 204) { location.reload(); return; }
        if (reply?.ok) {
          tag = reply.headers.get("ETag") ?? "";
          area.innerHTML = await reply.text();
          localTimes(area);
        }
      }
      setTimeout(look, 1000 * (Number(area.dataset.every) || 4));
    };
    setTimeout(look, 1000 * (Number(area.dataset.every) || 4));
  }
}

/** Answers that a HIT page could not send before it was closed are sent from the next page, whichever it is. */
async function leftovers() {
  const { me } = document.body.dataset;
  if (!me || document.querySelector("[data-stage]")) return;
  const { PREFIX } = await import("./hit/outbox.js");
  if (Object.keys(localStorage).some((key) => key.startsWith(`${PREFIX}${me}:`))) (await import("./hit/leftovers.js")).send(me);
}

document.addEventListener("click", onClick);
document.addEventListener("submit", onSubmit);
addEventListener("pageshow", () => { for (const busy of document.querySelectorAll("[aria-busy]")) busy.removeAttribute("aria-busy"); });
localTimes();
fileDrops();
liveFragments();
leftovers();
document.querySelector("[data-focus]")?.focus();
