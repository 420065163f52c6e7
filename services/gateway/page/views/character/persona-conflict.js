// Somebody else has changed the persona meanwhile: both versions, field by field, and what one can do.
import { html } from "../../ui.js";
import { Button } from "../../parts/action.js";
import { differences } from "../../parts/persona.js";

/** Says what differs, and asks which one it shall be. */
export function Conflict({ mine, theirs, base, overwrite, leave, isBusy }) {
  const found = differences(mine, theirs.persona);
  const own = new Set(differences(base, mine).map((it) => it.path));
  return html`<section class="conflict" role="alert" aria-labelledby="conflict">
    <h3 id="conflict">It was changed meanwhile</h3>
    <p>Somebody has saved this persona since you began. Nothing of yours is saved yet, and nothing of theirs is lost.</p>
    <div class="table-wrap" tabindex="0" role="region" aria-label="Both versions"><table>
      <thead><tr><th scope="col">Field</th><th scope="col">Yours</th><th scope="col">Theirs</th></tr></thead>
      <tbody>${found.map((it) => html`<tr key=${it.path}><th scope="row"><code>${it.path}</code>${own.has(it.path) && html` <small>changed by you</small>`}</th><td>${shown(it.one)}</td><td>${shown(it.other)}</td></tr>`)}</tbody>
    </table></div>
    <div class="buttons"><${Button} kind="danger" isBusy=${isBusy} onClick=${overwrite}>Save mine over theirs<//><button type="button" class="button" onClick=${leave}>Take theirs, drop mine</button></div>
  </section>`;
}

function shown(value) {
  if (value === undefined) return html`<i>not there</i>`;
  return typeof value === "string" ? value : JSON.stringify(value);
}
