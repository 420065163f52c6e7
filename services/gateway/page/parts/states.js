// What stands where a list isn't: not yet, not at all, or not to be had.
import { html } from "../ui.js";

/** Grey lines of about the size of what will stand there. */
export function Skeleton({ lines = 3, label = "Loading" }) {
  return html`<div class="skeleton" role="status" aria-label=${label}>
    ${Array.from({ length: lines }, (_, index) => html`<div class="skeleton-row" key=${index}><i></i><b></b><b></b></div>`)}
  </div>`;
}

/** Nothing is there, and what to do so that something will be. */
export function Empty({ title, children }) {
  return html`<div class="empty"><p class="empty-title">${title}</p><p>${children}</p></div>`;
}

/** What went wrong, and what to do about it. */
export function Fault({ error, retry }) {
  if (!error) return null;
  return html`<div class="fault" role="alert">
    <p><strong>${error.message}</strong>${error.advice ? html` <span>${error.advice}</span>` : ""}</p>
    ${error.violations?.length > 1 && html`<ul>${error.violations.map((it) => html`<li key=${it.field + it.description}><code>${it.field}</code> ${it.description}</li>`)}</ul>`}
    ${retry && html`<button class="button small" onClick=${retry}>Try again</button>`}
  </div>`;
}

/** Shows what was loaded, or why it isn't there. */
export function Loaded({ of, lines, children }) {
  if (of.data !== undefined) return html`${of.error && html`<${Fault} error=${of.error} retry=${of.reload} />`}${children(of.data)}`;
  return of.error ? html`<${Fault} error=${of.error} retry=${of.reload} />` : html`<${Skeleton} lines=${lines} />`;
}
