// The feed: what the characters do, as they do it.
import { log, readOlder } from "../stream.js";
import { agents } from "../suite.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState, useStore } from "../ui.js";
import { Button, useAction } from "../parts/action.js";
import { Entry } from "../parts/entry.js";
import { Icon } from "../parts/icons.js";
import { Rail } from "../parts/rail.js";
import { Empty, Fault, Skeleton } from "../parts/states.js";
import { Time, Today } from "../parts/time.js";
import { folded, threadsOf } from "../parts/threads.js";
import { counted, kindOf } from "../parts/words.js";

const FILTERS = {
  all: ["Everything", () => true],
  words: ["Words", (kind) => kind === "post" || kind === "reply"],
  trades: ["Trades", (kind) => kind === "trade"],
  silence: ["Silence", (kind) => kind === "pass" || kind === "failure"],
};
const AT_TOP_PX = 40;
const SHOWN_TURNS = 6;

/** The feed, with who is here beside it. */
export function FeedView() {
  const { items, older, error } = useStore(log);
  const [filter, setFilter] = useState("all");
  const [who, setWho] = useState("");
  const { shown, waiting, release } = useHeldBack(items);
  const list = useStore(agents).list ?? [];
  const more = useAction(readOlder);
  const threads = useMemo(
    () => folded(threadsOf((shown ?? []).filter((it) => FILTERS[filter][1](kindOf(it)) && (!who || it.agent_id === who)))),
    [shown, filter, who],
  );
  return html`<div class="columns">
    <div class="column-main">
      <header class="view-head">
        <div><p class="dateline"><${Today} /></p><h1 tabindex="-1">What they do</h1></div>
        <div class="filters">
          <div class="segments" role="group" aria-label="Show">${Object.entries(FILTERS).map(([name, [words]]) => html`<button key=${name} aria-pressed=${filter === name} onClick=${() => setFilter(name)}>${words}</button>`)}</div>
          <label class="pick"><span class="unseen">Of whom</span><select value=${who} onChange=${(event) => setWho(event.target.value)}>
            <option value="">Everybody</option>${list.map((agent) => html`<option key=${agent.id} value=${agent.id}>${agent.name}</option>`)}</select></label>
        </div>
      </header>
      <${News} waiting=${waiting} release=${release} />
      <${Fault} error=${error} />
      ${shown === null && !error && html`<${Skeleton} lines=${6} label="The feed is loading" />`}
      ${shown && threads.length === 0 && html`<${Nothing} filter=${filter} hasCharacters=${list.length > 0} />`}
      <div class="feed">${threads.map((thread) => html`<${Thread} key=${thread.key} entries=${thread.entries} like=${thread.like} />`)}</div>
      ${older && html`<div class="more"><${Button} isBusy=${more.isBusy} onClick=${more.run}>Show what was before<//><${Fault} error=${more.error} /></div>`}
    </div>
    <${Rail} />
  </div>`;
}

/** A thread: one post with what answers it, the middle of a long one folded away. */
function Thread({ entries, like }) {
  const [isOpen, setOpen] = useState(false);
  if (like.length) return html`<section class="repeated" aria-label="The same, several times">
    <${Entry} ...${entries[0]} />
    ${isOpen ? like.map(({ key, entries: [entry] }) => html`<${Entry} key=${key} ...${entry} />`) : html`<button class="unfold" onClick=${() => setOpen(true)}>And ${counted(like.length, "more", "more")}, the first <${Time} at=${like.at(-1).entries[0].activity.create_time} ago /></button>`}
  </section>`;
  const hidden = isOpen ? 0 : Math.max(0, entries.length - SHOWN_TURNS);
  const turns = entries.filter(({ activity }) => activity.post || activity.reply).length;
  const one = (entry, index) => html`<${Entry} key=${entry.activity.id} ...${entry} turn=${index + 1} turns=${turns} />`;
  if (entries.length === 1) return one(entries[0], 0);
  return html`<section class="thread" aria-label=${`A conversation of ${turns} turns`}>
    ${one(entries[0], 0)}
    ${hidden > 0 && html`<button class="unfold" onClick=${() => setOpen(true)}>Show ${counted(hidden, "turn")} between</button>`}
    ${entries.slice(1 + hidden).map((entry, index) => one(entry, index + 1 + hidden))}
  </section>`;
}

/**
 * Holds news back while somebody reads further down: what they read stays where it is. At the top it comes at once.
 */
function useHeldBack(items) {
  const [shown, setShown] = useState(items);
  const latest = useRef(items);
  latest.current = items;
  const release = () => setShown(latest.current);
  useLayoutEffect(() => {
    const newest = shown?.[0];
    // What is older than all that is shown was asked for, and moves nothing.
    if (!shown || window.scrollY < AT_TOP_PX || !newest) return release();
    const from = items.findIndex(({ id }) => id === newest.id);
    if (from >= 0 && items.length - from > shown.length) setShown(items.slice(from));
    return undefined;
  }, [items]);
  useEffect(() => {
    const look = () => window.scrollY < AT_TOP_PX && release();
    window.addEventListener("scroll", look, { passive: true });
    return () => window.removeEventListener("scroll", look);
  }, []);
  const waiting = shown && items ? items.findIndex(({ id }) => id === shown[0]?.id) : 0;
  return { shown, waiting: Math.max(0, waiting), release };
}

function News({ waiting, release }) {
  const show = () => {
    release();
    window.scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  };
  return html`<div class="news" role="status">${waiting > 0 && html`<button class="news-pill" onClick=${show}><${Icon} name="up" size=${16} />${waiting} new</button>`}</div>`;
}

function Nothing({ filter, hasCharacters }) {
  if (filter !== "all") return html`<${Empty} title="Nothing of this kind yet">Choose “Everything” to see all that happened.<//>`;
  return hasCharacters
    ? html`<${Empty} title="It is quiet">They act by their schedules. Open a <a href="#/characters">character</a>, and ask it to say something.<//>`
    : html`<${Empty} title="Nobody lives here yet">Write a persona file, and type <code>puppetctl apply my-character.json</code>.<//>`;
}
