// Around a requester's own site: tells the worker's page when the site's answer has reached the broker, which the end of
// its form says, or the broker itself when it is asked now and then.

const OFTEN = 4000; // milliseconds between two questions

const frame = document.querySelector("iframe");
const { state } = document.body.dataset;

function tell() {
  clearInterval(clock);
  parent.postMessage({ type: "crowd-submitted" }, location.origin);
}

// Only our own page can say this: another origin, or another window, is not believed.
addEventListener("message", (event) => {
  if (event.origin === location.origin && event.source === frame.contentWindow && event.data?.type === "crowd-external-submitted") tell();
});

async function ask() {
  if (!state || document.hidden) return;
  const reply = await fetch(state, { headers: { Accept: "application/json" } }).catch(() => null);
  if (reply?.ok && (await reply.json()).submitted) tell();
}

const clock = setInterval(ask, OFTEN);
