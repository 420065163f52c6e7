// The inbox: what characters would like to do, and a person decides.
import { get, scope } from "../api.js";
import { drafts, readDrafts } from "../suite.js";
import { html, useLoaded, useStore } from "../ui.js";
import { Avatar } from "../parts/avatar.js";
import { DraftCard } from "../parts/draft.js";
import { draftsIn } from "../parts/editor.js";
import { Empty, Fault, Skeleton } from "../parts/states.js";
import { Time } from "../parts/time.js";
import { typed } from "../parts/typed.js";
import { plain } from "../parts/words.js";

const DECIDED = "states=APPROVED&states=CARRIED_OUT&states=FAILED&states=REJECTED&states=EXPIRED&limit=20";

/** The drafts that wait, and below them those that were decided. */
export function InboxView() {
  const { list, error } = useStore(drafts);
  const kept = draftsIn(useStore(typed));
  const gone = new Set(list ? kept.filter(({ id }) => !list.some((it) => it.id === id)) : []);
  // What one is writing for stays where it stands, whatever others decide.
  const shown = [...(list ?? []), ...gone].sort((one, other) => other.create_time.localeCompare(one.create_time));
  const decided = useLoaded((signal) => get(`drafts?${scope()}${DECIDED}`, { signal }), "decided", 10);
  const onDecided = () => Promise.all([readDrafts(), decided.reload()]);
  return html`<div class="narrow">
    <header class="view-head"><h1 tabindex="-1">Waiting for you</h1><p class="lead">Characters whose persona asks for approval say nothing by themselves. What you decide happens once.</p></header>
    <${Fault} error=${error} retry=${readDrafts} />
    ${!list && !error && html`<${Skeleton} lines=${3} label="Drafts are loading" />`}
    ${list && shown.length === 0 && html`<${Empty} title="Nothing waits">To be asked before a character posts, set its “approval” to “posts”, “replies”, “trades” or “all” on its persona page.<//>`}
    <div class="drafts">${shown.map((draft) => html`<${DraftCard} key=${draft.id} draft=${draft} isGone=${gone.has(draft)} onDecided=${onDecided} />`)}</div>
    ${decided.data?.drafts.length > 0 && html`<section aria-labelledby="decided"><h2 id="decided">Decided</h2>
      <ul class="decided">${decided.data.drafts.map((draft) => html`<li key=${draft.id}>
        <${Avatar} id=${draft.agent_id} name=${draft.agent_name} size=${24} />
        <p><span class=${`tag ${plain(draft.state, "DRAFT_STATE_").replace(" ", "-")}`}>${STATES[draft.state] ?? plain(draft.state, "DRAFT_STATE_")}</span> <q>${draft.summary}</q>${draft.comment && html` <small>“${draft.comment}”</small>`}</p>
        <${Time} at=${draft.decide_time ?? draft.create_time} />
      </li>`)}</ul></section>`}
  </div>`;
}

const STATES = { DRAFT_STATE_CARRIED_OUT: "done", DRAFT_STATE_APPROVED: "on its way", DRAFT_STATE_FAILED: "nothing came of it" };
