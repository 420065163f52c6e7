// Times: relative for a glance, exact for whoever points at them.
import { html, store, useStore } from "../ui.js";

const TICK_MS = 10_000;
const SHORT_SECONDS = 10;
const now = store(Date.now());
setInterval(() => document.hidden || now.set(Date.now()), TICK_MS);
document.addEventListener("visibilitychange", () => document.hidden || now.set(Date.now()));

const STEPS = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86_400, 3600, "hour"],
  [2_592_000, 86_400, "day"],
  [31_536_000, 2_592_000, "month"],
  [Infinity, 31_536_000, "year"],
];
const SHORT = { second: "s", minute: "min", hour: "h", day: "d", month: "mo", year: "y" };
const inFuture = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Returns the day and the time of it. */
export function moment(time) {
  return exact.format(new Date(time));
}

/** Returns the time of the day. */
export function hours(time) {
  return clock.format(new Date(time));
}

/** Returns how far a time is from now: `12 min`, `in 3 hours`. */
export function distance(time, from = Date.now()) {
  const seconds = (new Date(time) - from) / 1000;
  const size = Math.abs(seconds);
  const [, unit, name] = STEPS.find(([below]) => size < below);
  if (size < SHORT_SECONDS) return "now";
  if (seconds > 0) return size < 60 ? "in a moment" : inFuture.format(Math.round(seconds / unit), name);
  return `${Math.floor(size / unit)} ${SHORT[name]}`;
}

/** A time, as far as it is from now; with `ago` what is past is told as such, for the middle of a sentence. */
export function Time({ at, ago = false }) {
  useStore(now);
  if (!at) return null;
  const far = distance(at);
  const words = ago && far !== "now" && new Date(at) < Date.now() ? `${far} ago` : far;
  return html`<time datetime=${at} title=${exactly.format(new Date(at))}>${words}</time>`;
}

/** The day, as newspapers have it at their head. */
export function Today() {
  useStore(now);
  return day.format(new Date());
}
