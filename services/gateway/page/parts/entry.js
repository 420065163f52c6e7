// One entry of the log: who, what, why, and its place in the conversation.
import { accounts, agents } from "../suite.js";
import { html, useState, useStore } from "../ui.js";
import { Avatar } from "./avatar.js";
import { Time } from "./time.js";
import { Why } from "./why.js";
import { deed, kindOf, motives, occasion, saidIn } from "./words.js";

const QUIET = new Set(["lifecycle", "pass", "failure", "event", "mood", "reflection"]);

/** Tells whether an entry is told in a line: nothing was said or traded. */
export function isQuiet(activity) {
  return QUIET.has(kindOf(activity));
}

/** One entry; `isThreaded` where what it answers stands above it. */
export function Entry({ activity, depth = 0, parent = null, turn = 0, turns = 0 }) {
  const [isOpen, setOpen] = useState(false);
  const label = `entry-${activity.id}`;
  const said = saidIn(activity);
  const quiet = isQuiet(activity);
  return html`<article id=${activity.id} class=${`entry is-${kindOf(activity)} ${quiet ? "quiet" : ""}`} data-depth=${depth} aria-labelledby=${label}>
    <${Avatar} id=${activity.agent_id} name=${activity.agent_name} size=${quiet ? 24 : 44} />
    <div class="entry-body">
      <header class="entry-head">
        <p id=${label} class="entry-who">
          <a class="name" href=${`#/characters/${encodeURIComponent(activity.agent_id)}`}>${activity.agent_name}</a>${" "}
          <span class="deed">${deed(activity)}<${Whom} activity=${activity} /></span>
        </p>
        ${turns > 1 && html`<span class="turn" title=${`Turn ${turn} of ${turns} in this conversation`}><span aria-hidden="true">${turn}/${turns}</span><span class="unseen">turn ${turn} of ${turns}</span></span>`}
        <${Time} at=${activity.create_time} />
      </header>
      ${activity.reply?.mention_text && !parent && html`<blockquote class="heard"><cite>${activity.reply.to_name || `@${activity.reply.to_handle}`}</cite> ${activity.reply.mention_text}</blockquote>`}
      ${activity.post?.news_text && html`<blockquote class="heard"><cite>The news</cite> ${activity.post.news_text}</blockquote>`}
      ${said && html`<p class="said"><${Said} text=${said} /></p>`}
      ${activity.trade && html`<p class="said trade-said">${activity.summary}</p>`}
      <footer class="entry-why">
        <${Reason} activity=${activity} />
        ${activity.draft && html`<a class="why-button" href="#/inbox">Decide</a>`}
        <button class="why-button" aria-expanded=${isOpen} aria-controls=${`why-${activity.id}`} onClick=${() => setOpen(!isOpen)}>Why<span class="unseen"> did ${activity.agent_name} do this?</span></button>
      </footer>
      <div id=${`why-${activity.id}`}>${isOpen && html`<${Why} activity=${activity} />`}</div>
    </div>
  </article>`;
}

/** Words, with the handle in front of them in a quieter colour: the line above says whom it is. */
function Said({ text }) {
  const [, handle = "", words] = /^(@\w+\s+)?([^]*)$/.exec(text);
  return html`${handle && html`<span class="handle">${handle}</span>`}${words}`;
}

/** To whom something was said, by the name that people know. */
function Whom({ activity }) {
  const known = useStore(accounts);
  const list = useStore(agents).list;
  const handle = activity.reply?.to_handle || activity.post?.addressed_handle;
  if (!handle) return null;
  const fellow = list?.find((agent) => known[agent.id]?.handle === handle);
  const name = activity.reply?.to_name || fellow?.name || `@${handle}`;
  return html` to ${fellow ? html`<a class="name" href=${`#/characters/${encodeURIComponent(fellow.id)}`}>${name}</a>` : html`<span class="name">${name}</span>`}`;
}

/** Why, in a quiet line: what moved it, without the figures, which stand behind the button. */
function Reason({ activity }) {
  const told = activity.memories.find((memory) => memory.use === "MEMORY_USE_TOLD");
  const parts = motives(activity.reason);
  const unprompted = occasion(activity.trigger);
  const shown = parts.length ? parts : unprompted ? [unprompted] : [];
  return html`<p class="reason">
    ${told && html`<span>remembers “${told.text}”</span>`}
    ${shown.map((part) => html`<span key=${part}>${part}</span>`)}
    ${activity.is_edited && html`<span>edited by a person</span>`}
  </p>`;
}
