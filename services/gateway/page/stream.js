// The activity log as it grows: read once, then followed by server-sent events, through every break.
import { get, scope, session } from "./api.js";
import { store } from "./ui.js";

const PAGE = 80;
const MOST = 600;
const SILENT_MS = 40_000;
const AGAIN_MS = [500, 1_000, 2_000, 5_000];

/** `connecting`, `live`, `lost` (it tries again) or `ended` (nobody is signed in). */
export const connection = store("connecting");

/** What is known of the log, newest first, with what leads to older entries; `null` until it was read. */
export const log = store({ items: null, older: "", error: null });

const listeners = new Set();
let source = null;
let cursor = "";
let failures = 0;
let heardAt = 0;
let timer = 0;

/** Calls the listener with each new activity; returns what ends that. */
export function onActivity(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Reads what there is, and follows what comes. */
export async function start() {
  stop();
  connection.set("connecting");
  try {
    const page = await get(`activity?${scope()}limit=${PAGE}`);
    cursor = page.activities[0]?.cursor ?? "0";
    log.set({ items: page.activities, older: page.next_page_token, error: null });
    open();
  } catch (error) {
    log.set((was) => ({ ...was, error }));
    again();
  }
}

/** Follows nothing any more. */
export function stop() {
  source?.close();
  source = null;
  clearTimeout(timer);
}

/** Reads the page before what is known. */
export async function readOlder() {
  const { older } = log.get();
  const page = await get(`activity?${scope()}limit=${PAGE}&page_token=${encodeURIComponent(older)}`);
  log.set((was) => ({ ...was, items: merged([...was.items, ...page.activities]), older: page.next_page_token }));
}

function open() {
  source = new EventSource(`stream?${scope()}after_cursor=${encodeURIComponent(cursor)}`);
  source.onopen = () => {
    failures = 0;
    heard();
    connection.set("live");
  };
  source.onmessage = heard;
  source.addEventListener("activity", (event) => {
    heard();
    cursor = event.lastEventId || cursor;
    const activity = JSON.parse(event.data);
    log.set((was) => ({ ...was, items: merged([activity, ...(was.items ?? [])]).slice(0, Math.max(MOST, was.items?.length ?? 0)) }));
    for (const listener of [...listeners]) listener(activity);
  });
  source.addEventListener("end", (event) => {
    const { reason } = JSON.parse(event.data);
    if (reason === "expired") return finish();
    again();
  });
  source.addEventListener("failure", (event) => {
    // The log is another one, as after a restart with other data: what is known of the one before is no part of it.
    if (JSON.parse(event.data).error.code === "INVALID_REQUEST") log.set((was) => ({ ...was, items: null }));
    again();
  });
  // A browser comes back by itself with the last id, but not after a status that isn't 200; this does in both cases.
  source.onerror = again;
}

function heard() {
  heardAt = Date.now();
}

function again() {
  stop();
  if (!session.get()) return;
  connection.set("lost");
  timer = setTimeout(() => (log.get().items ? open() : start()), AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)]);
}

function finish() {
  stop();
  connection.set("ended");
  session.set(null);
}

// A phone that slept may think that it is still connected.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && source && Date.now() - heardAt > SILENT_MS) again();
});

function merged(items) {
  const known = new Set();
  return items.filter(({ id }) => !known.has(id) && known.add(id));
}
