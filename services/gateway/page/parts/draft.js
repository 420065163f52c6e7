// A draft: what would be said or traded, why, and the three things that one can do about it.
import { change, get, path, session } from "../api.js";
import { drafts } from "../suite.js";
import { html, useEffect, useRef, useState, useStore } from "../ui.js";
import { Button, useAction } from "./action.js";
import { Avatar } from "./avatar.js";
import { Fault } from "./states.js";
import { Time } from "./time.js";
import { Candidates, Memories } from "./why.js";
import { motives } from "./words.js";

const MOST_CHARACTERS = 2000;

/** One draft that waits. */
export function DraftCard({ draft, onDecided }) {
  const [mode, setMode] = useState("look");
  const may = useStore(session)?.may_write;
  const at = `drafts/${path(draft.id)}`;
  const label = `draft-${draft.id}`;
  const approve = useAction(async () => {
    await change("POST", `${at}/approve`, {}, { etag: draft.etag });
    await onDecided();
  });
  const words = draft.post?.text ?? draft.reply?.text;
  const whom = draft.reply ? draft.reply.to_name || `@${draft.reply.to_handle}` : draft.post?.addressed_handle && `@${draft.post.addressed_handle}`;
  return html`<article class="draft" data-step aria-labelledby=${label}>
    <header class="entry-head">
      <${Avatar} id=${draft.agent_id} name=${draft.agent_name} />
      <p id=${label} class="entry-who"><a class="name" href=${`#/characters/${encodeURIComponent(draft.agent_id)}`}>${draft.agent_name}</a> <span class="deed">would like to ${draft.trade ? "trade" : draft.reply ? "reply" : "post"}${whom && html` to <span class="name">${whom}</span>`}</span></p>
      <p class="expires">expires <${Time} at=${draft.expire_time} /></p>
    </header>
    ${draft.reply?.mention_text && html`<blockquote class="heard"><cite>${whom}</cite> ${draft.reply.mention_text}</blockquote>`}
    ${mode === "edit" ? html`<${Editor} draft=${draft} words=${words} close=${() => setMode("look")} onDecided=${onDecided} />` : html`<p class="said">${words ?? draft.summary}</p>`}
    <p class="reason">${motives(draft.reason).map((part) => html`<span key=${part}>${part}</span>`)}${draft.is_edited && html`<span>edited by a person</span>`}</p>
    ${mode === "reject" && html`<${Rejection} draft=${draft} close=${() => setMode("look")} onDecided=${onDecided} />`}
    ${mode === "look" && html`<div class="buttons" role="group" aria-label=${`Decide about the draft of ${draft.agent_name}`}>
      <${Button} kind="primary" isBusy=${approve.isBusy} onClick=${approve.run} disabled=${!may}>Approve<//>
      ${words !== undefined && html`<button class="button" onClick=${() => setMode("edit")} disabled=${!may}>Edit</button>`}
      <button class="button" onClick=${() => setMode("reject")} disabled=${!may}>Reject</button>
    </div>`}
    <${Fault} error=${approve.error} />
    ${(draft.memories.length > 0 || draft.writing) && html`<details class="more-about"><summary>What led to it</summary>
      ${draft.memories.length > 0 && html`<h4>What it remembered</h4><${Memories} memories=${draft.memories} />`}
      ${draft.writing?.candidates.length > 0 && html`<${Candidates} writing=${draft.writing} />`}</details>`}
  </article>`;
}

/** Other words for a draft; the service judges them as it judges a model's. */
function Editor({ draft, words, close, onDecided }) {
  const [text, setText] = useState(words);
  // The state that was read when the editing began: what somebody else does meanwhile isn't overwritten unseen.
  const [etag, setEtag] = useState(draft.etag);
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);
  const at = `drafts/${path(draft.id)}`;
  const put = (edited) => drafts.set((was) => ({ ...was, list: was.list?.map((it) => (it.id === edited.id ? edited : it)) }));
  const [theirs, setTheirs] = useState(null);
  const save = useAction(async (isApproved) => {
    setTheirs(null);
    try {
      let edited = draft;
      if (text !== words) {
        edited = await change("PUT", at, { text }, { etag });
        put(edited);
        setEtag(edited.etag);
      }
      if (!isApproved) return close();
      await change("POST", `${at}/approve`, {}, { etag: edited.etag });
    } catch (error) {
      if (error.status === 412) setTheirs(await get(at));
      throw error;
    }
    return onDecided();
  });
  const seen = () => {
    put(theirs);
    setEtag(theirs.etag);
    setTheirs(null);
  };
  const left = MOST_CHARACTERS - [...text].length;
  return html`<form class="editor" onSubmit=${(event) => (event.preventDefault(), save.run(true))}>
    <label class="field"><span>What ${draft.agent_name} says</span>
      <textarea ref=${field} rows="4" maxlength=${MOST_CHARACTERS} value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label>
    <p class="hint" aria-live="polite">${[...text].length} characters${left < 100 ? `, ${left} left` : ""}</p>
    <${Fault} error=${save.error} />
    ${theirs && html`<div class="versions"><p>Somebody has changed it meanwhile. It says now:</p><blockquote>${theirs.post?.text ?? theirs.reply?.text}</blockquote><button type="button" class="button small" onClick=${seen}>I have read that: let me save mine</button></div>`}
    <div class="buttons">
      <${Button} kind="primary" type="submit" isBusy=${save.isBusy} disabled=${!text.trim()}>Save and approve<//>
      <button type="button" class="button" disabled=${!text.trim()} onClick=${() => save.run(false)}>Save</button>
      <button type="button" class="button bare" onClick=${close}>Leave it</button>
    </div>
  </form>`;
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
