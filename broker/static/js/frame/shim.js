// Runs first in the frame of a page of others. It speaks with the page around the frame through the one port that page
// gives it: the answer goes out when a form is submitted, so does the height, and a link that somebody wants to follow.
// A classic script: it must be there before the page's own.

(() => {
  const own = document.currentScript.dataset;
  const waiting = [];
  let port = null;

  document.documentElement.dataset.crowdHost = ""; // the page around the frame brings the Submit button
  document.documentElement.dataset.shortcuts = own.shortcuts;

  const say = (message) => { if (port) port.postMessage(message); else waiting.push(message); };

  addEventListener("message", (event) => {
    if (port || event.source !== parent || event.data?.type !== "crowd-frame" || !event.ports[0]) return;
    [port] = event.ports;
    port.onmessage = ({ data }) => acts[data?.type]?.(data);
    for (const message of waiting.splice(0)) port.postMessage(message);
  });

  // ---- what a form answers ----

  const FIELDS = "input, select, textarea";
  const named = (form, name) => [...form.elements].filter((one) => one.matches(FIELDS) && one.name === name);
  const several = (fields) => fields.filter(({ type }) => type === "checkbox").length > 1 || fields.some(({ type, multiple }) => type === "select-multiple" || (multiple && type !== "file"));

  /** {name: text}, a list where several boxes share a name. Files are not taken; the assignment's id is no answer. */
  function gather(form, submitter) {
    const data = new FormData(form);
    if (submitter?.name) data.append(submitter.name, submitter.value);
    const answer = Object.create(null);
    for (const name of new Set(data.keys())) {
      const texts = data.getAll(name).filter((one) => typeof one === "string");
      if (name === "assignmentId" || !name.trim() || !texts.length) continue;
      answer[name] = texts.length > 1 || several(named(form, name)) ? texts : texts[0];
    }
    return { ...answer };
  }

  const shared = { gather };
  Object.defineProperty(globalThis, "crowdFrame", { value: shared });

  function send(answer) { say({ type: "answer", answer: JSON.parse(JSON.stringify(answer)) }); }

  // The last to hear of a submission: the page's own listeners may have stopped it.
  addEventListener("submit", (event) => {
    if (event.defaultPrevented || !(event.target instanceof HTMLFormElement)) return;
    event.preventDefault();
    send(shared.gather(event.target, event.submitter));
  });
  HTMLFormElement.prototype.submit = function submit() { send(shared.gather(this)); };
  addEventListener("crowd-submit", (event) => {
    event.preventDefault();
    send(event.detail.answer);
  });

  // ---- what the page around the frame asks for ----

  const crowd = () => document.querySelector("crowd-form");
  const plain = () => document.querySelector("form");
  const button = (form) => [...form.elements].find((one) => (one.type === "submit" || one.type === "image") && !one.disabled);

  const acts = {
    submit() {
      const form = crowd() ?? plain();
      if (!form) say({ type: "answer", answer: {} });
      else if (form instanceof HTMLFormElement) form.requestSubmit(button(form));
      else form.submit?.(); // not yet there while its script is on its way
    },
    restore({ answer }) { if (crowd()) crowd().answer = answer; },
    focus() {
      const first = crowd() ?? document.querySelector(":is(input:not([type=hidden]), select, textarea, button, a[href], [tabindex]):not(:disabled)");
      if (first) first.focus({ preventScroll: true });
      else focus();
    },
  };

  // ---- what else the page around the frame is told ----

  for (const name of ["input", "change", "crowd-change"]) addEventListener(name, () => say({ type: "change" }));

  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=radio], [type=checkbox], [type=button], [type=submit]), textarea, select, [contenteditable]");
    if (event.defaultPrevented || event.repeat || event.isComposing || event.ctrlKey || event.altKey || event.metaKey || typing) return;
    if (event.key === "Enter" && !crowd() && !event.target.closest?.("button, a[href], summary, [role=button]") && plain()) acts.submit();
    else if (own.shortcuts === "on" && /^[zsp?]$/iu.test(event.key)) say({ type: "key", key: event.key.toLowerCase() });
  });

  // A link would leave the frame, which may not be: the page around it offers to open the address beside.
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (event.defaultPrevented || !link || !/^https?:$/u.test(link.protocol) || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    say({ type: "link", url: link.href });
  });

  function measure() {
    const { body } = document;
    const style = getComputedStyle(body);
    const outer = Number.parseFloat(style.marginTop) + Number.parseFloat(style.marginBottom);
    say({ type: "height", height: Math.ceil(Math.max(body.offsetHeight, body.scrollHeight) + outer) });
  }

  addEventListener("DOMContentLoaded", () => {
    new ResizeObserver(measure).observe(document.body);
    measure();
    say({ type: "ready" });
  });
})();
