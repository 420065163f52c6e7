// A draft: what would be said or traded, why, and the three things that one can do about it.
import { change, path, session } from "../api.js";
import { html, useStore } from "../ui.js";
import { Button, useAction } from "./action.js";
import { Avatar } from "./avatar.js";
import { begin, Editor, Rejection, REJECTION, WORDS, wordsOf } from "./editor.js";
import { Fault } from "./states.js";
import { Time } from "./time.js";
import { typed, useTyped } from "./typed.js";
import { Candidates, Memories } from "./why.js";
import { motives } from "./words.js";

/** One draft that waits; `isGone` where it does no more, and somebody's words for it are still here. */
export function DraftCard({ draft, isGone, onDecided }) {
  const [rejection, reject] = useTyped(REJECTION + draft.id);
  const isRejecting = Boolean(rejection);
  const isEdited = WORDS + draft.id in useStore(typed);
  const may = useStore(session)?.may_write;
  const at = `drafts/${path(draft.id)}`;
  const label = `draft-${draft.id}`;
  const approve = useAction(async () => {
    await change("POST", `${at}/approve`, {}, { etag: draft.etag });
    await onDecided();
  });
  const words = wordsOf(draft);
  const whom = draft.reply ? draft.reply.to_name || `@${draft.reply.to_handle}` : draft.post?.addressed_handle && `@${draft.post.addressed_handle}`;
  return html`<article class="draft" data-step aria-labelledby=${label}>
    <header class="entry-head">
      <${Avatar} id=${draft.agent_id} name=${draft.agent_name} />
      <p id=${label} class="entry-who"><a class="name" href=${`#/characters/${encodeURIComponent(draft.agent_id)}`}>${draft.agent_name}</a> <span class="deed">would like to ${draft.trade ? "trade" : draft.reply ? "reply" : "post"}${whom && html` to <span class="name">${whom}</span>`}</span></p>
      ${!isGone && html`<p class="expires">expires <${Time} at=${draft.expire_time} /></p>`}
    </header>
    ${draft.reply?.mention_text && html`<blockquote class="heard"><cite>${whom}</cite> ${draft.reply.mention_text}</blockquote>`}
    ${isEdited ? html`<${Editor} draft=${draft} isGone=${isGone} onDecided=${onDecided} />` : html`<p class="said">${words ?? draft.summary}</p>`}
    <p class="reason">${motives(draft.reason).map((part) => html`<span key=${part}>${part}</span>`)}${draft.is_edited && html`<span>edited by a person</span>`}</p>
    ${isRejecting && html`<${Rejection} draft=${draft} isGone=${isGone} onDecided=${onDecided} />`}
    ${!isEdited && !isRejecting && html`<div class="buttons" role="group" aria-label=${`Decide about the draft of ${draft.agent_name}`}>
      <${Button} kind="primary" isBusy=${approve.isBusy} onClick=${approve.run} disabled=${!may}>Approve<//>
      ${words !== undefined && html`<button class="button" onClick=${() => begin(draft)} disabled=${!may}>Edit</button>`}
      <button class="button" onClick=${() => reject({ draft, comment: "" })} disabled=${!may}>Reject</button>
    </div>`}
    <${Fault} error=${approve.error} />
    ${(draft.memories.length > 0 || draft.writing) && html`<details class="more-about"><summary>What led to it</summary>
      ${draft.memories.length > 0 && html`<h4>What it remembered</h4><${Memories} memories=${draft.memories} />`}
      ${draft.writing?.candidates.length > 0 && html`<${Candidates} writing=${draft.writing} />`}</details>`}
  </article>`;
}
