// How a character is: its mood, whom it knows, and what it does next.
import { get, path } from "../../api.js";
import { accounts, agents } from "../../suite.js";
import { html, useLoaded, useStore } from "../../ui.js";
import { feeling, MoodChart, RelationshipsChart } from "../../parts/figures.js";
import { doing } from "../../parts/rail.js";
import { Empty, Loaded } from "../../parts/states.js";
import { Time } from "../../parts/time.js";
import { counted } from "../../parts/words.js";

/** Mood, schedule and relationships. */
export function Life({ agent, life }) {
  return html`<div class="sheet">
    <div class="sheet wide-side">
      <section aria-labelledby="mood"><h2 id="mood">Mood</h2>
        <${Loaded} of=${life} lines=${3}>${({ mood }) => html`<${MoodChart} id=${agent.id} name=${agent.name} history=${mood} />`}<//></section>
      <section aria-labelledby="next"><h2 id="next">What comes next</h2>
        <${Loaded} of=${life} lines=${2}>${({ status }) => html`<${Schedule} status=${status} name=${agent.name} />`}<//></section>
    </div>
    <${Relationships} agent=${agent} />
  </div>`;
}

function Schedule({ status, name }) {
  if (!status.schedule.length) return html`<${Empty} title=${`${name} has no plans`}>${status.is_active ? "They come when its persona is read." : "Start it, and it makes some."}<//>`;
  return html`<ol class="schedule">${status.schedule.map((action) => html`<li key=${action.behaviour + action.key + action.due_time}><b><${Time} at=${action.due_time} /></b><span>${doing(action)}</span></li>`)}</ol>
    ${status.notices.length > 0 && html`<details><summary>${counted(status.notices.length, "field")} of its persona ${status.notices.length === 1 ? "isn’t" : "aren’t"} done as written</summary><ul class="plain">${status.notices.map((notice) => html`<li key=${notice.field + notice.reason}><code>${notice.field}</code> ${notice.description}</li>`)}</ul></details>`}`;
}

function Relationships({ agent }) {
  const found = useLoaded((signal) => get(`agents/${path(agent.id)}/relationships?limit=200`, { signal }), agent.id, 30);
  const list = useStore(agents).list ?? [];
  const known = useStore(accounts);
  const nameOf = (id) => list.find((it) => it.id === id)?.name ?? Object.values(known).find((it) => `x:${it.network_user_id}` === id)?.handle ?? (id.startsWith("x:") ? `stranger ${id.slice(-4)}` : id);
  return html`<section aria-labelledby="known"><h2 id="known">Whom ${agent.name} knows</h2>
    <${Loaded} of=${found} lines=${3}>${({ relationships }) => {
      if (!relationships.length) return html`<${Empty} title="Nobody yet">It gets to know those who write to it.<//>`;
      const closest = [...relationships].sort((one, other) => other.familiarity - one.familiarity);
      return html`<div class="sheet two"><figure><${RelationshipsChart} id=${agent.id} name=${agent.name} relationships=${closest} nameOf=${nameOf} />
          <figcaption class="hint centred">The nearer, the better it knows them; the thicker, the more it trusts; green is fond, red is cold.</figcaption></figure>
        <ul class="relations">${closest.map((it) => html`<li key=${it.counterpart}>
          <p><b>${list.some((one) => one.id === it.counterpart) ? html`<a href=${`#/characters/${encodeURIComponent(it.counterpart)}`}>${nameOf(it.counterpart)}</a>` : nameOf(it.counterpart)}</b> <small>${feeling(it.sentiment)} · knows ${Math.round(it.familiarity * 100)} % · trust ${it.trust.toFixed(2)}${Number(it.interaction_count) ? ` · ${counted(it.interaction_count, "interaction")}` : ""}</small></p>
          ${it.notes && html`<p class="hint">${it.notes}</p>`}
        </li>`)}</ul></div>`;
    }}<//></section>`;
}
