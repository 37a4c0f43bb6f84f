/* Asking the API. What goes wrong is a `Problem`: its message is the API's own sentence. */
import { session } from "./session.js";

export class Problem extends Error {
  /* `status` is 0 where no answer came. `errors`: what is wrong with which field. `current`: at a conflict what is there now. */
  constructor(status, document) {
    super(document.detail || document.title || `The server answered ${status}.`);
    this.status = status;
    this.errors = document.errors ?? [];
    this.current = document.current ?? null;
  }
}

export const path = (...parts) => `/v1/${parts.map(encodeURIComponent).join("/")}`;

export function headers(more = {}) {
  return session.token ? { ...more, Authorization: `Bearer ${session.token}` } : more;
}

/* The document at an address; `query` fields that are null are left out. */
export async function get(where, query = {}, { signal } = {}) {
  return (await ask("GET", address(where, query), { signal })).json();
}

/* The same, or `before` where it is still so: `{ etag, document }`. */
export async function getIfNew(where, before, { signal } = {}) {
  const known = before ? { "If-None-Match": before.etag } : {};
  const answer = await ask("GET", where, { more: known, signal });
  return answer.status === 304 ? before : { etag: answer.headers.get("ETag") ?? "", document: await answer.json() };
}

/* Ask for a change. `match`: the revision or generation that the page shows, for If-Match. */
export async function change(method, where, { body, query = {}, match } = {}) {
  const more = match == null ? {} : { "If-Match": `"${match}"` };
  if (body !== undefined) more["Content-Type"] = "application/json";
  const answer = await ask(method, address(where, query), { more, body: body === undefined ? undefined : JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
}

function address(where, query) {
  const given = Object.entries(query).filter(([, value]) => value != null);
  return given.length ? `${where}?${new URLSearchParams(given)}` : where;
}

async function ask(method, where, { more = {}, body, signal } = {}) {
  let answer;
  try {
    answer = await fetch(where, { method, headers: headers({ Accept: "application/json", ...more }), body, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The server does not answer; is it running, and can this machine reach it?" });
  }
  if (answer.ok || answer.status === 304) return answer;
  throw await problemOf(answer);
}

export async function problemOf(answer) {
  const told = await answer.json().catch(() => ({}));
  const problem = new Problem(answer.status, told);
  if (answer.status === 401) dispatchEvent(new CustomEvent("unauthorised", { detail: problem.message }));
  return problem;
}
