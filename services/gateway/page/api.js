// Calls of the gateway: the envelope taken off, etags remembered, and refusals as errors that say what to do.
import { store } from "./ui.js";

/** Who is signed in: `undefined` until that is known, `null` for nobody, else what `/session` says. */
export const session = store(undefined);

const kept = new Map();
const MOST_KEPT = 200;

/** A refusal, or no answer: `code` and `details` as the gateway has them, and `advice` in words. */
export class ApiError extends Error {
  constructor(status, error) {
    super(sentence(error.message));
    this.status = status;
    this.code = error.code;
    this.details = error.details ?? {};
    this.violations = this.details.violations ?? [];
    this.retryAfter = this.details.retry_after_seconds;
  }

  /** What somebody who reads it can do. */
  get advice() {
    return ADVICE[this.details.reason] ?? ADVICE[this.code] ?? ADVICE[this.status] ?? ADVICE[Math.floor(this.status / 100)] ?? "";
  }
}

const ADVICE = {
  UNREACHABLE: "Is the suite still running? The page tries again by itself.",
  CSRF_REFUSED: "Reload the page, and try again from there.",
  ETAG_MISMATCH: "It has changed meanwhile. Look at it again, then decide.",
  DRAFT_DECIDED: "Somebody was faster. The list shows what was decided.",
  DRAFT_EXPIRED: "It waited too long. The character will propose something else.",
  AGENT_INACTIVE: "Start the character first.",
  TRADING_HALTED: "Trading is halted. Resume it first, if you mean to trade.",
  DEPENDENCY_UNAVAILABLE: "A service that this needs is down. Try again in a moment.",
  UNAVAILABLE: "A service that this needs is down. Try again in a moment.",
  401: "Sign in again by a link of “puppetctl open”.",
  403: "You may look here, and not change this. Ask whoever runs the suite.",
  404: "It isn’t there any more. Go back, and look again.",
  409: "Something changed meanwhile. Look at it again.",
  412: "It has changed meanwhile. Look at it again, then decide.",
  429: "That was much at once. Wait a moment, then try again.",
  400: "Mend what is named, and try again.",
  5: "Try again in a moment. “puppetctl doctor” says what is wrong.",
};

/** Asks for a path; what the page has already isn't sent again. */
export async function get(path, { signal } = {}) {
  const known = kept.get(path);
  const answer = await send(path, { signal, headers: known ? { "If-None-Match": known.etag } : {} });
  if (answer.status === 304) return known.data;
  const data = await opened(answer);
  const etag = answer.headers.get("ETag");
  kept.delete(path);
  if (etag) kept.set(path, { etag, data });
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return data;
}

/** Changes something once: a key of its own goes with each call, so a repeated one does nothing twice. */
export async function change(method, path, body = {}, { etag, key = oneTimeKey(), seconds } = {}) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  if (etag !== undefined) headers["If-Match"] = `"${etag}"`;
  if (seconds) headers["Request-Timeout"] = String(seconds);
  return opened(await send(path, { method, headers, body: JSON.stringify(body) }));
}

/** Asks with a body, and changes nothing. */
export async function ask(path, body, { signal } = {}) {
  const headers = { "Content-Type": "application/json" };
  return opened(await send(path, { method: "POST", headers, body: JSON.stringify(body), signal }));
}

/** Signs in by a link's token, or finds who is signed in already. */
export async function signIn(link) {
  try {
    const headers = { "Content-Type": "application/json" };
    const options = link ? { method: "POST", headers, body: JSON.stringify({ link }) } : {};
    session.set(await opened(await send("session", options)));
  } catch (error) {
    if (error.status !== 401) throw error;
    session.set(null);
    if (link) throw error;
  }
}

/** Forgets who was signed in, here and in the cookie. */
export async function signOut() {
  await opened(await send("session", { method: "DELETE" }));
  session.set(null);
}

/** Returns a key that names one effect. */
export function oneTimeKey() {
  // `randomUUID` is missing where the page comes over plain HTTP from another machine.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Returns the filter of whom one may see, for lists that are of all otherwise: `agent_ids=odd&`; empty for who sees all. */
export function scope() {
  return (session.get()?.agents ?? []).map((id) => `agent_ids=${encodeURIComponent(id)}&`).join("");
}

/** Returns a path of parts that may hold anything. */
export function path(...parts) {
  return parts.map(encodeURIComponent).join("/");
}

async function send(path, options) {
  try {
    return await fetch(path, { ...options, headers: { "X-Puppet-Request": "1", ...options.headers }, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "UNREACHABLE", message: "the gateway doesn’t answer" });
  }
}

async function opened(answer) {
  let envelope;
  try {
    envelope = await answer.json();
  } catch {
    throw new ApiError(answer.status || 502, { code: "UNREADABLE", message: "the gateway’s answer can’t be read" });
  }
  if (answer.ok) return envelope.data;
  const error = new ApiError(answer.status, envelope.error);
  // Another tab may have signed out, or twelve hours are over: then every view asks for a link.
  if (answer.status === 401 && session.get()) session.set(null);
  throw error;
}

function sentence(text) {
  const words = String(text || "something went wrong");
  return words[0].toUpperCase() + words.slice(1) + (/[.!?…”]$/.test(words) ? "" : ".");
}
