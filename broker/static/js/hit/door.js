// The worker's JSON door: one POST with the session's CSRF token, and three ways to fail.

/** No reply, or one that says "later": worth trying again. */
export class Unreachable extends Error {}
/** The session is over or belongs to somebody else. */
export class LoggedOut extends Error {}
/** The broker said no, and why. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

const PATIENCE = 20_000;
const LATER = new Set([408, 425, 429, 500, 502, 503, 504]);

export const token = () => document.querySelector("meta[name=csrf-token]").content;

/** Where an answer from the outbox goes. */
export const submitPath = ({ job }) => `/work/${job}/submit`;

const options = (body) => ({
  method: "POST",
  headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token() },
  body: JSON.stringify(body),
});

/** The JSON of the reply. Throws Unreachable, LoggedOut or Refused. */
export async function post(path, body) {
  let reply, said;
  try {
    reply = await fetch(path, { ...options(body), signal: AbortSignal.timeout(PATIENCE) });
    said = await reply.json();
  } catch {
    if (!reply || reply.ok || LATER.has(reply.status)) throw new Unreachable(path);
    said = {};
  }
  if (reply.ok) return said;
  const detail = said.detail ?? "";
  if (LATER.has(reply.status)) throw new Unreachable(detail);
  if (reply.status === 401 || detail.startsWith("Please log in") || said.title === "This form has expired") throw new LoggedOut(detail);
  throw new Refused(reply.status, detail || `The server answered ${reply.status}.`);
}

/** Send something while the page is going away; nobody waits for the reply. */
export function farewell(path, body) {
  fetch(path, { ...options(body), keepalive: true }).catch(() => null);
}

/** Give assignments back while the page is going away. */
export function leave(ids) {
  navigator.sendBeacon("/work/leave", new URLSearchParams({ csrf_token: token(), assignments: ids.join(",") }));
}
