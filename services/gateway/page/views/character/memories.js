// What a character remembers: newest first, or searched by words and by meaning, with why each was found.
import { ask, get, path } from "../../api.js";
import { html, useLoaded, useState } from "../../ui.js";
import { Button, useAction } from "../../parts/action.js";
import { Icon } from "../../parts/icons.js";
import { Empty, Fault, Loaded } from "../../parts/states.js";
import { Time } from "../../parts/time.js";
import { counted, origin, plain } from "../../parts/words.js";

const PARTS = {
  lexical: ["words", "has the words of the query"],
  vector: ["meaning", "is near in meaning"],
  entity: ["who", "is about, or by, whom the query names"],
  recency: ["recent", "happened lately"],
  importance: ["important", "matters"],
};

/** The memories, and the search. */
export function MemoriesPage({ agent }) {
  const [words, setWords] = useState("");
  const [query, setQuery] = useState("");
  const root = `memory/${path(agent.id)}`;
  const found = useLoaded((signal) => (query ? ask(`${root}/search`, { query, max_results: 20 }, { signal }) : get(`${root}?limit=50`, { signal })), query);
  const more = useAction(async () => {
    const page = await get(`${root}?limit=50&page_token=${encodeURIComponent(found.data.next_page_token)}`);
    found.put((was) => ({ memories: [...was.memories, ...page.memories], next_page_token: page.next_page_token }));
  });
  const submit = (event) => {
    event.preventDefault();
    setQuery(words.trim());
  };
  return html`<div class="sheet">
    <form class="search" role="search" onSubmit=${submit}>
      <label class="unseen" for="query">Search what ${agent.name} remembers</label>
      <${Icon} name="search" /><input id="query" type="search" maxlength="2000" placeholder=${`What does ${agent.name} remember?`} value=${words} onInput=${(event) => (setWords(event.target.value), event.target.value || setQuery(""))} />
      <button class="button">Search</button>
    </form>
    <${Loaded} of=${found} lines=${5}>${(data) => (data.hits ? html`<${Hits} data=${data} query=${query} name=${agent.name} />` : html`
      ${data.memories.length === 0 && html`<${Empty} title=${`${agent.name} remembers nothing`}>It remembers what it does, what it is told, and what its persona says under “initial_memory”.<//>`}
      <ul class="memories">${data.memories.map((memory) => html`<li key=${memory.id}><${Memory} memory=${memory} /></li>`)}</ul>
      ${data.next_page_token && html`<div class="more"><${Button} isBusy=${more.isBusy} onClick=${more.run}>Show older ones<//><${Fault} error=${more.error} /></div>`}`)}<//>
  </div>`;
}

function Memory({ memory }) {
  return html`<p class="said">${memory.text}</p>
    <p class="reason"><span>${plain(memory.kind, "MEMORY_KIND_")}</span><span>${origin(memory.provenance)}</span><span>importance ${Math.round(memory.importance * 100)} %</span>${memory.subject && html`<span>about ${memory.subject}</span>`}<span><${Time} at=${memory.occur_time} /></span>${Number(memory.access_count) > 0 && html`<span>recalled ${counted(memory.access_count, "time")}</span>`}</p>`;
}

function Hits({ data: { hits, omitted_hit_count: omitted, is_by_words_only: isByWords }, query, name }) {
  if (!hits.length) return html`<${Empty} title=${`${name} remembers nothing of “${query}”`}>Use other words, or fewer. Meaning counts as well: “night” finds the lamp.<//>`;
  const most = Math.max(...hits.map((hit) => hit.score));
  return html`<div class="hits"><p class="hint" role="status">${counted(hits.length + omitted, "memory", "memories")} for “${query}”, best first. The bar says what each was found by.${isByWords && " Meaning is out of reach just now: these have the words."}</p>
    <ul class="key" aria-hidden="true">${Object.entries(PARTS).filter(([part]) => hits.some((hit) => hit.parts[part] > 0)).map(([part, [label]]) => html`<li key=${part} class=${`part-${part}`}>${label}</li>`)}</ul>
    <ol class="memories">${hits.map((hit) => html`<li key=${hit.memory.id}>
      <${Memory} memory=${hit.memory} />
      <${Parts} hit=${hit} most=${most} />
    </li>`)}</ol></div>`;
}

/** Where a score comes from, as a bar of its parts, and in words. */
function Parts({ hit, most }) {
  const parts = Object.keys(PARTS).filter((part) => hit.parts[part] > 0.005);
  const words = parts.map((part) => `${PARTS[part][1]} (${hit.parts[part].toFixed(2)})`).join(", ");
  return html`<div class="parts" title=${words}>
    <div class="parts-bar" style=${{ width: `${(hit.score / most) * 100}%` }} aria-hidden="true">${parts.map((part) => html`<i key=${part} class=${`part-${part}`} style=${{ flexGrow: hit.parts[part] }}></i>`)}</div>
    <p class="hint">fits ${Math.round(hit.relevance * 100)} %: ${words || "by its score alone"}</p></div>`;
}
