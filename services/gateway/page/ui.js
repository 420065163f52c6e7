// What every component is made with: Preact by tagged templates, and stores that components follow.
import { h } from "./vendor/preact.mjs";
import { useCallback, useEffect, useReducer, useRef, useState } from "./vendor/hooks.mjs";
import htm from "./vendor/htm.mjs";

export { Fragment, render } from "./vendor/preact.mjs";
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.mjs";

export const html = htm.bind(h);

/** Returns a value that can be followed: `get`, `set(value or change)`, and `follow(listener)`, which returns what ends it. */
export function store(first) {
  let value = first;
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      const after = typeof next === "function" ? next(value) : next;
      if (Object.is(after, value)) return;
      value = after;
      for (const listener of [...listeners]) listener(value);
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Returns a store's value; the component is drawn anew with each change. */
export function useStore(followed) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const drawn = followed.get();
  useEffect(() => {
    // It may have changed since it was drawn: a busy machine follows only after the first answer has come.
    if (!Object.is(followed.get(), drawn)) redraw();
    return followed.follow(redraw);
  }, [followed]);
  return drawn;
}

/**
 * Returns what `load(signal)` resolves to: `{data, error, isLoading, reload, put}`. What was there stays until the next
 * is, unless the `key` is another one; an answer that comes too late is dropped.
 */
export function useLoaded(load, key, everySeconds = 0) {
  const [state, setState] = useState({ key: null, data: undefined, error: null, isLoading: true });
  const current = useRef(null);
  const loading = useRef(load);
  loading.current = load;
  const reload = useCallback(async () => {
    current.current?.abort();
    const own = (current.current = new AbortController());
    setState((was) => (was.key === key ? { ...was, isLoading: true } : { key, data: undefined, error: null, isLoading: true }));
    try {
      const data = await loading.current(own.signal);
      if (!own.signal.aborted) setState({ key, data, error: null, isLoading: false });
    } catch (error) {
      if (!own.signal.aborted) setState((was) => ({ key, data: was.key === key ? was.data : undefined, error, isLoading: false }));
    }
  }, [key]);
  useEffect(() => {
    reload();
    const timer = everySeconds && setInterval(() => document.hidden || reload(), everySeconds * 1000);
    return () => {
      clearInterval(timer);
      current.current?.abort();
    };
  }, [reload, everySeconds]);
  const put = useCallback((change) => setState((was) => ({ ...was, data: change(was.data) })), []);
  // Before its first effect with another key a component must not show what belongs to the one before.
  const shown = state.key === key ? state : { data: undefined, error: null, isLoading: true };
  return { ...shown, reload, put };
}
