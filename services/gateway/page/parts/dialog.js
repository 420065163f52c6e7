// A question that is asked once more, in the browser's own dialog: it keeps the focus, and Escape leaves it.
import { html, useEffect, useRef } from "../ui.js";

/** A dialog over everything, open while it is there. */
export function Dialog({ title, close, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  return html`<dialog ref=${dialog} class="dialog" aria-labelledby="dialog-title" onClose=${close} onClick=${(event) => event.target === dialog.current && close()}>
    <div class="dialog-body"><h2 id="dialog-title">${title}</h2>${children}</div>
  </dialog>`;
}
