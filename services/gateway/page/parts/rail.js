// Beside the feed: who is here, how they feel, and what they do next.
import { get, path } from "../api.js";
import { onActivity } from "../stream.js";
import { agents, drafts } from "../suite.js";
import { html, useEffect, useLoaded, useStore } from "../ui.js";
import { Avatar } from "./avatar.js";
import { Sparkline } from "./figures.js";
import { Time } from "./time.js";
import { counted } from "./words.js";

const MOST = 8;
const EVERY_SECONDS = 30;

/** The column beside the feed; on a phone it isn't there, for all of it has a view of its own. */
export function Rail() {
  const list = useStore(agents).list;
  const waiting = useStore(drafts).list?.length ?? 0;
  return html`<aside class="rail" aria-label="Who is here">
    ${waiting > 0 && html`<p class="rail-inbox"><a href="#/inbox">${counted(waiting, "draft")} ${waiting === 1 ? "waits" : "wait"} for you</a></p>`}
    <h2>Who is here</h2>
    ${list && html`<ul class="people">${list.slice(0, MOST).map((agent) => html`<li key=${agent.id}><${Person} agent=${agent} /></li>`)}</ul>`}
    ${list?.length > MOST && html`<p><a href="#/characters">and ${counted(list.length - MOST, "other")}</a></p>`}
    <p class="hint keys"><kbd>j</kbd> <kbd>k</kbd> go through the feed, <kbd>g</kbd> <kbd>i</kbd> opens the inbox.</p>
  </aside>`;
}

/** Returns a character's status and how it felt, read again when it does something. */
export function useLife(id) {
  const life = useLoaded(
    async (signal) => {
      const [status, mood] = await Promise.all([
        get(`agents/${path(id)}/status`, { signal }),
        get(`agents/${path(id)}/mood?max_points=40`, { signal }),
      ]);
      return { status, mood };
    },
    id,
    EVERY_SECONDS,
  );
  useEffect(() => onActivity((activity) => activity.agent_id === id && life.reload()), [id, life.reload]);
  return life;
}

function Person({ agent }) {
  const { data } = useLife(agent.id);
  const next = data && nextOf(data.status);
  return html`<a class="person" href=${`#/characters/${encodeURIComponent(agent.id)}`}>
    <${Avatar} id=${agent.id} name=${agent.name} size=${36} />
    <span class="person-words"><b>${agent.name}</b>
      <small>${!agent.is_active ? "rests" : data ? html`${data.status.mood?.label}${next && html` · ${doing(next)} <${Time} at=${next.due_time} />`}` : " "}</small></span>
    ${data && html`<${Sparkline} id=${agent.id} points=${data.mood.points} />`}
  </a>`;
}

/** Returns what a character will do next that others will see; it reads its mentions all the time. */
export function nextOf(status) {
  return status.schedule.find((action) => action.behaviour !== "reply") ?? status.schedule[0];
}

const DOING = { post: "posts", reply: "reads its mentions", trade: "looks at the market", reflect: "reflects" };

/** Returns what a character will do, in words. */
export function doing(action) {
  return DOING[action.behaviour] ?? action.behaviour.replaceAll("_", " ");
}
