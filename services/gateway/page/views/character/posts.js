// What a character did: its entries, and by which hours it posts.
import { get, path } from "../../api.js";
import { onActivity } from "../../stream.js";
import { html, useEffect, useLoaded, useMemo } from "../../ui.js";
import { Button, useAction } from "../../parts/action.js";
import { Entry } from "../../parts/entry.js";
import { HoursChart } from "../../parts/figures.js";
import { Empty, Fault, Loaded } from "../../parts/states.js";
import { kindOf } from "../../parts/words.js";

/** The character's own feed. */
export function Posts({ agent }) {
  const at = `agents/${path(agent.id)}/activity?limit=60`;
  const found = useLoaded((signal) => get(at, { signal }), agent.id);
  useEffect(() => onActivity((activity) => activity.agent_id === agent.id && found.put((was) => was && { ...was, activities: [activity, ...was.activities.filter(({ id }) => id !== activity.id)] })), [agent.id]);
  const more = useAction(async () => {
    const page = await get(`${at}&page_token=${encodeURIComponent(found.data.next_page_token)}`);
    found.put((was) => ({ activities: [...was.activities, ...page.activities], next_page_token: page.next_page_token }));
  });
  const times = useMemo(() => (found.data?.activities ?? []).filter((it) => ["post", "reply"].includes(kindOf(it))).map((it) => it.create_time), [found.data]);
  return html`<div class="sheet side">
    <section aria-label="What it did"><${Loaded} of=${found} lines=${5}>${({ activities, next_page_token: older }) => html`
      ${activities.length === 0 && html`<${Empty} title="Nothing yet">Ask ${agent.name} to say something, above.<//>`}
      <div class="feed">${activities.map((activity) => html`<${Entry} key=${activity.id} activity=${activity} />`)}</div>
      ${older && html`<div class="more"><${Button} isBusy=${more.isBusy} onClick=${more.run}>Show what was before<//><${Fault} error=${more.error} /></div>`}`}<//></section>
    <section aria-labelledby="hours"><h2 id="hours">When it speaks</h2>${found.data && html`<${HoursChart} id=${agent.id} name=${agent.name} times=${times} />`}</section>
  </div>`;
}
