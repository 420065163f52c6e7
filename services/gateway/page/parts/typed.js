// What somebody has typed and not sent yet. It is theirs until they say that they are done with it: it outlives the
// view, what others change meanwhile, an expired session, and a reload of this tab. Signing out forgets it, and nobody
// else who signs in here is shown it.
import { session } from "../api.js";
import { store, useStore } from "../ui.js";

const PLACE = "typed";

/** By names such as `persona/odd`, what is typed there. */
export const typed = store({});
let owner = null;

/** Returns `[value, put, end]` of what is typed under a name; `undefined` until something is. */
export function useTyped(name) {
  const value = useStore(typed)[name];
  return [value, (next) => put(name, next), () => end(name)];
}

/** Keeps what is typed under a name; what is `isSecret` is kept by this page alone, and no reload brings it back. */
export function put(name, value) {
  typed.set((was) => ({ ...was, [name]: value }));
}

/** Changes some of what is typed under a name, unless that was ended. */
export function update(name, change) {
  typed.set((was) => (was[name] ? { ...was, [name]: { ...was[name], ...change } } : was));
}

/** Forgets what was typed under a name. */
export function end(name) {
  typed.set(({ [name]: _, ...others }) => others);
}

/** Forgets all of it. */
export function forget() {
  typed.set({});
}

session.follow((who) => {
  if (!who) return;
  const kept = owner === null ? read() : { by: owner, texts: typed.get() };
  owner = who.principal;
  typed.set(kept.by === owner ? kept.texts : {});
});

typed.follow((texts) => {
  const shown = Object.entries(texts).filter(([, value]) => !value.isSecret);
  try {
    if (shown.length) sessionStorage.setItem(PLACE, JSON.stringify({ by: owner, texts: Object.fromEntries(shown) }));
    else sessionStorage.removeItem(PLACE);
  } catch {
    // A browser that keeps nothing has it until the page is left.
  }
});

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE)) ?? {};
  } catch {
    return {};
  }
}
