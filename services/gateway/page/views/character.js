// One character, in all that it is: a page for each side of it.
import { accounts, agents, readAgents } from "../suite.js";
import { html, useStore } from "../ui.js";
import { Avatar, hueOf } from "../parts/avatar.js";
import { Icon } from "../parts/icons.js";
import { useLife } from "../parts/rail.js";
import { SaySomething } from "../parts/say.js";
import { Empty, Fault, Skeleton } from "../parts/states.js";
import { Switch } from "../parts/switch.js";
import { Costs } from "./character/costs.js";
import { Life } from "./character/life.js";
import { MemoriesPage } from "./character/memories.js";
import { Persona } from "./character/persona.js";
import { Posts } from "./character/posts.js";

const SIDES = {
  life: ["Life", Life],
  posts: ["Posts", Posts],
  memories: ["Memories", MemoriesPage],
  persona: ["Persona", Persona],
  costs: ["Costs", Costs],
};

/** A character's page, or that there is none. */
export function CharacterView({ parts: [, id, given] }) {
  const { list, error } = useStore(agents);
  const agent = list?.find((it) => it.id === id);
  if (!list) return error ? html`<div class="narrow"><${Fault} error=${error} retry=${readAgents} /></div>` : html`<div class="wide"><${Skeleton} lines=${5} label="The character is loading" /></div>`;
  if (!agent) return html`<div class="narrow"><h1 tabindex="-1">Nobody is called “${id}”</h1><${Empty} title="It may have been deleted">See <a href="#/characters">who is here</a>.<//></div>`;
  return html`<${Character} agent=${agent} given=${given} />`;
}

function Character({ agent, given }) {
  const { id } = agent;
  const account = useStore(accounts)[id];
  const life = useLife(id);
  const side = given in SIDES ? given : "life";
  const [, Side] = SIDES[side];
  const root = `#/characters/${encodeURIComponent(id)}`;
  return html`<div class="wide character" style=${{ "--hue": hueOf(id) }}>
    <header class="character-head">
      <a class="back" href="#/characters"><${Icon} name="back" size=${16} />Characters</a>
      <${Avatar} id=${id} name=${agent.name} size=${88} />
      <div class="character-who">
        <h1 tabindex="-1">${agent.name}</h1>
        <p class="hint">${account?.handle ? `@${account.handle} · ` : ""}${agent.is_active ? (life.data?.status.mood ? `feels ${life.data.status.mood.label}` : "lives") : "rests"}</p>
        <p class="lead">${agent.description}</p>
      </div>
      <div class="character-actions"><${Switch} agent=${agent} kind=${agent.is_active ? "" : "primary"} /></div>
    </header>
    <${SaySomething} agent=${agent} />
    <nav class="sides" aria-label=${`Sides of ${agent.name}`}><ul>${Object.entries(SIDES).map(([name, [words]]) => html`<li key=${name}><a href=${`${root}/${name}`} aria-current=${name === side ? "page" : undefined}>${words}</a></li>`)}</ul></nav>
    <${Side} key=${side} agent=${agent} life=${life} />
  </div>`;
}
