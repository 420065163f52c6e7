// Buttons that do something, and say how it went.
import { html, useState } from "../ui.js";

/** Returns `{run, isBusy, error}`: `run` does one thing at a time, and what it throws is the error. */
export function useAction(act) {
  const [state, setState] = useState({ isBusy: false, error: null });
  const run = async (...given) => {
    if (state.isBusy) return undefined;
    setState({ isBusy: true, error: null });
    try {
      const result = await act(...given);
      setState({ isBusy: false, error: null });
      return result;
    } catch (error) {
      if (!("advice" in error)) throw error;
      setState({ isBusy: false, error });
      return undefined;
    }
  };
  return { ...state, run };
}

/** A button that can't be pressed twice while it works. */
export function Button({ kind = "", isBusy, busy = "One moment …", children, ...others }) {
  return html`<button type="button" class=${`button ${kind}`} aria-disabled=${isBusy ? "true" : undefined} ...${others} onClick=${isBusy ? undefined : others.onClick}>${isBusy ? busy : children}</button>`;
}
