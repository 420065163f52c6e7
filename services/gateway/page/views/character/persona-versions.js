// What a persona was before, and the way back.
import { change, get, path, session } from "../../api.js";
import { html, useLoaded, useState, useStore } from "../../ui.js";
import { Button, useAction } from "../../parts/action.js";
import { Fault, Loaded } from "../../parts/states.js";
import { Time } from "../../parts/time.js";

/** The versions, newest first. */
export function Versions({ agent, saved }) {
  const found = useLoaded((signal) => get(`agents/${path(agent.id)}/versions?limit=20`, { signal }), agent.etag);
  return html`<section aria-labelledby="versions"><h2 id="versions">Versions</h2>
    <${Loaded} of=${found} lines=${2}>${({ versions }) => html`<ol class="versions-list">${versions.map((version, index) => html`<li key=${version.number}><${Version} agent=${agent} version=${version} isCurrent=${index === 0} saved=${saved} /></li>`)}</ol>`}<//></section>`;
}

function Version({ agent, version, isCurrent, saved }) {
  const [isSure, setSure] = useState(false);
  const may = useStore(session)?.kind === "operator";
  const back = useAction(async () => {
    await change("POST", `agents/${path(agent.id)}/rollback`, { version: version.number }, { etag: agent.etag });
    await saved();
  });
  return html`<p><b>${version.number}</b> ${isCurrent && html`<span class="tag">now</span> `}<${Time} at=${version.create_time} />${version.principal && html` <span class="hint">by ${version.principal}</span>`}</p>
    <p class="hint">${version.changed_fields.length ? version.changed_fields.slice(0, 4).join(", ") + (version.changed_fields.length > 4 ? ` and ${version.changed_fields.length - 4} more` : "") : "the first"}</p>
    ${!isCurrent && may && (isSure ? html`<${Button} kind="small danger" isBusy=${back.isBusy} onClick=${back.run}>Yes, go back to ${version.number}<//>` : html`<button class="button small" onClick=${() => setSure(true)}>Go back to ${version.number}</button>`)}
    <${Fault} error=${back.error} />`;
}
