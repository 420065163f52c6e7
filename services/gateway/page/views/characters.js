// All characters, with how each of them is.
import { accounts, agents, readAgents } from "../suite.js";
import { html, useState, useStore } from "../ui.js";
import { Avatar } from "../parts/avatar.js";
import { Sparkline } from "../parts/figures.js";
import { doing, nextOf, useLife } from "../parts/rail.js";
import { Empty, Fault, Skeleton } from "../parts/states.js";
import { Switch } from "../parts/switch.js";
import { Time } from "../parts/time.js";
import { counted } from "../parts/words.js";

const PAGE = 24;

/** The characters, by their names. */
export function CharactersView() {
  const { list, error } = useStore(agents);
  const [wanted, setWanted] = useState("");
  const [most, setMost] = useState(PAGE);
  const found = (list ?? []).filter((agent) => `${agent.id} ${agent.name} ${agent.description}`.toLowerCase().includes(wanted.toLowerCase()));
  return html`<div class="wide">
    <header class="view-head"><h1 tabindex="-1">The characters</h1>
      ${list?.length > 6 && html`<label class="field inline"><span class="unseen">Find a character</span><input type="search" placeholder="Find a character" value=${wanted} onInput=${(event) => setWanted(event.target.value)} /></label>`}</header>
    <${Fault} error=${error} retry=${readAgents} />
    ${!list && !error && html`<${Skeleton} lines=${4} label="Characters are loading" />`}
    ${list?.length === 0 && html`<${Empty} title="Nobody lives here yet">Write a persona file, and type <code>puppetctl apply my-character.json</code>.<//>`}
    ${list?.length > 0 && found.length === 0 && html`<${Empty} title="Nobody is called so">Look for a part of a name, or of what somebody is.<//>`}
    <ul class="cards">${found.slice(0, most).map((agent) => html`<li key=${agent.id}><${Card} agent=${agent} /></li>`)}</ul>
    ${found.length > most && html`<div class="more"><button class="button" onClick=${() => setMost(most + PAGE)}>Show more</button></div>`}
  </div>`;
}

function Card({ agent }) {
  const { data } = useLife(agent.id);
  const account = useStore(accounts)[agent.id];
  const next = data && nextOf(data.status);
  return html`<article class=${`card ${agent.is_active ? "" : "resting"}`} data-step aria-labelledby=${`card-${agent.id}`}>
    <header><${Avatar} id=${agent.id} name=${agent.name} size=${52} />
      <div><h2 id=${`card-${agent.id}`}><a href=${`#/characters/${encodeURIComponent(agent.id)}`}>${agent.name}</a></h2><p class="hint">${account?.handle ? `@${account.handle}` : agent.id}</p></div>
      ${data && html`<${Sparkline} id=${agent.id} points=${data.mood.points} width=${84} height=${30} />`}</header>
    <p class="about">${agent.description}</p>
    <p class="hint">${!agent.is_active ? "rests" : data ? html`feels ${data.status.mood?.label}${next && html`; ${doing(next)} <${Time} at=${next.due_time} />`}` : " "}</p>
    <footer><p class="hint">${data && [counted(data.status.post_count, "post"), counted(data.status.reply_count, "reply", "replies"), agent.wallet_id && counted(data.status.trade_count, "trade")].filter(Boolean).join(" · ")}</p>
      <${Switch} agent=${agent} kind="small" /></footer>
  </article>`;
}
