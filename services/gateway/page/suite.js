// What all views share: the state of the services, who there is, and what waits for a person. Each is read again when
// the log says that it has changed, and now and then besides.
import { get, path, scope, session } from "./api.js";
import { onActivity } from "./stream.js";
import { store } from "./ui.js";

const STATUS_MS = 3_000;
const AGENTS_MS = 30_000;
const SOON_MS = 400;

/** What `/status` says; `error` when it can't be asked. */
export const status = store({ data: null, error: null });

/** The characters, by their names. */
export const agents = store({ list: null, error: null });

/** Which character has which handle, and which account. */
export const accounts = store({});

/** The drafts that wait, newest first. */
export const drafts = store({ list: null, error: null });

/** Returns a character by its id. */
export function agentOf(id) {
  return agents.get().list?.find((agent) => agent.id === id);
}

export async function readStatus() {
  try {
    status.set({ data: await get("status"), error: null });
  } catch (error) {
    status.set((was) => ({ ...was, error }));
  }
}

export async function readAgents() {
  try {
    const list = (await visible("agents")).sort((one, other) => one.name.localeCompare(other.name));
    agents.set({ list, error: null });
  } catch (error) {
    agents.set((was) => ({ ...was, error }));
  }
}

export async function readDrafts() {
  try {
    drafts.set({ list: await all(`drafts?${scope()}states=WAITING&limit=500`, "drafts"), error: null });
  } catch (error) {
    drafts.set((was) => ({ ...was, error }));
  }
}

async function readAccounts() {
  try {
    const found = await visible("accounts");
    accounts.set(Object.fromEntries(found.map((account) => [account.agent_id, account])));
  } catch {
    // Handles are a comfort: without them the ids are shown.
  }
}

/** Reads all characters or accounts, or those that one may see: who has a scope may not ask for all. */
function visible(name) {
  const ids = session.get()?.agents;
  return ids ? Promise.all(ids.map((id) => get(`${name}/${path(id)}`))) : all(`${name}?limit=500`, name);
}

/** Reads all pages of a list. */
async function all(list, name) {
  const found = [];
  let token = "";
  do {
    const page = await get(token ? `${list}&page_token=${encodeURIComponent(token)}` : list);
    found.push(...page[name]);
    token = page.next_page_token;
  } while (token);
  return found;
}

/** Keeps all of it fresh until the returned function is called. */
export function follow() {
  for (const read of [readStatus, readAgents, readDrafts, readAccounts]) read();
  const timers = [seldom(readStatus, STATUS_MS), seldom(readAgents, AGENTS_MS), seldom(readDrafts, AGENTS_MS), seldom(readAccounts, AGENTS_MS)];
  const soon = { agents: later(readAgents), drafts: later(readDrafts) };
  const quiet = onActivity((activity) => {
    if (activity.kind === "ACTIVITY_KIND_LIFECYCLE") soon.agents();
    // Whatever is done may have been a draft before.
    soon.drafts();
  });
  return () => {
    timers.forEach(clearInterval);
    quiet();
  };
}

function seldom(read, every) {
  return setInterval(() => document.hidden || read(), every);
}

/** Joins what happens at once into one call. */
function later(read) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(read, SOON_MS);
  };
}
