// A draft: what would be said or traded, why, and the three things that one can do about it.
import { change, path, session } from "../api.js";
import { html, useEffect, useRef, useState, useStore } from "../ui.js";
import { Button, useAction } from "./action.js";
import { Avatar } from "./avatar.js";
import { begin, edits, Editor, wordsOf } from "./editor.js";
import { Fault } from "./states.js";
import { Time } from "./time.js";
import { Candidates, Memories } from "./why.js";
import { motives } from "./words.js";

/** One draft that waits; `isGone` where it does no more, and somebody's words for it are still here. */
export function DraftCard({ draft, isGone, onDecided }) {
  const [isRejecting, setRejecting] = useState(false);
  const isEdited = draft.id in useStore(edits);
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
    ${isRejecting && html`<${Rejection} draft=${draft} close=${() => setRejecting(false)} onDecided=${onDecided} />`}
    ${!isEdited && !isRejecting && html`<div class="buttons" role="group" aria-label=${`Decide about the draft of ${draft.agent_name}`}>
      <${Button} kind="primary" isBusy=${approve.isBusy} onClick=${approve.run} disabled=${!may}>Approve<//>
      ${words !== undefined && html`<button class="button" onClick=${() => begin(draft)} disabled=${!may}>Edit</button>`}
      <button class="button" onClick=${() => setRejecting(true)} disabled=${!may}>Reject</button>
    </div>`}
    <${Fault} error=${approve.error} />
    ${(draft.memories.length > 0 || draft.writing) && html`<details class="more-about"><summary>What led to it</summary>
      ${draft.memories.length > 0 && html`<h4>What it remembered</h4><${Memories} memories=${draft.memories} />`}
      ${draft.writing?.candidates.length > 0 && html`<${Candidates} writing=${draft.writing} />`}</details>`}
  </article>`;
}

function Rejection({ draft, close, onDecided }) {
  const [comment, setComment] = useState("");
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);
  const reject = useAction(async () => {
    await change("POST", `drafts/${path(draft.id)}/reject`, { comment }, { etag: draft.etag });
    await onDecided();
  });
  return html`<form class="editor" onSubmit=${(event) => (event.preventDefault(), reject.run())}>
    <label class="field"><span>Why not? It goes into the log (optional)</span><input ref=${field} maxlength="1000" value=${comment} onInput=${(event) => setComment(event.target.value)} /></label>
    <${Fault} error=${reject.error} />
    <div class="buttons"><${Button} kind="danger" type="submit" isBusy=${reject.isBusy}>Reject<//><button type="button" class="button bare" onClick=${close}>Leave it</button></div>
  </form>`;
}
