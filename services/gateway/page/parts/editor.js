// Other words for a draft, or why it is rejected. What is typed for it outlives the draft, which others may decide about.
import { change, get, path } from "../api.js";
import { drafts } from "../suite.js";
import { html, useEffect, useLoaded, useRef, useState } from "../ui.js";
import { Button, useAction } from "./action.js";
import { Fault } from "./states.js";
import { end, put, update, useTyped } from "./typed.js";
import { plain } from "./words.js";

const MOST_CHARACTERS = 2000;

/** What is typed for drafts is called so: `{draft, text, etag}` of other words, `{draft, comment}` of a rejection. */
export const WORDS = "draft/words/";
export const REJECTION = "draft/rejection/";

/** Returns the drafts for which something is typed, each once. */
export function draftsIn(texts) {
  const found = Object.entries(texts).filter(([name]) => name.startsWith(WORDS) || name.startsWith(REJECTION));
  return [...new Map(found.map(([, { draft }]) => [draft.id, draft])).values()];
}

/** Begins to edit a draft, with its own words. */
export function begin(draft) {
  put(WORDS + draft.id, { draft, text: wordsOf(draft), etag: draft.etag });
}

/** Returns what a draft would say; undefined for a trade. */
export function wordsOf(draft) {
  return draft.post?.text ?? draft.reply?.text;
}

/** The words of a draft as somebody writes them; the service judges them as it judges a model's. */
export function Editor({ draft, isGone, onDecided }) {
  const name = WORDS + draft.id;
  const [{ text, etag }] = useTyped(name);
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);
  const at = `drafts/${path(draft.id)}`;
  const show = (edited) => drafts.set((was) => ({ ...was, list: was.list?.map((it) => (it.id === edited.id ? edited : it)) }));
  const [theirs, setTheirs] = useState(null);
  const save = useAction(async (isApproved) => {
    setTheirs(null);
    try {
      let edited = draft;
      if (text !== wordsOf(draft)) {
        edited = await change("PUT", at, { text }, { etag });
        show(edited);
        update(name, { draft: edited, etag: edited.etag });
      }
      if (isApproved) await change("POST", `${at}/approve`, {}, { etag: edited.etag });
    } catch (error) {
      if (error.status === 412) setTheirs(await get(at));
      throw error;
    }
    end(name);
    if (isApproved) await onDecided();
  });
  const seen = () => {
    show(theirs);
    update(name, { draft: theirs, etag: theirs.etag });
    setTheirs(null);
  };
  const left = MOST_CHARACTERS - [...text].length;
  return html`<form class="editor" onSubmit=${(event) => (event.preventDefault(), isGone || save.run(true))}>
    ${isGone && html`<${Gone} id=${draft.id} />`}
    <label class="field"><span>What ${draft.agent_name} says</span>
      <textarea ref=${field} rows="4" maxlength=${MOST_CHARACTERS} value=${text} onInput=${(event) => update(name, { text: event.target.value })}></textarea></label>
    <p class="hint" aria-live="polite">${[...text].length} characters${left < 100 ? `, ${left} left` : ""}</p>
    ${!isGone && html`<${Fault} error=${save.error} />`}
    ${theirs && html`<div class="versions"><p>Somebody has changed it meanwhile. It says now:</p><blockquote>${wordsOf(theirs)}</blockquote><button type="button" class="button small" onClick=${seen}>I have read that: let me save mine</button></div>`}
    <div class="buttons">
      ${!isGone && html`<${Button} kind="primary" type="submit" isBusy=${save.isBusy} disabled=${!text.trim()}>Save and approve<//>
      <button type="button" class="button" disabled=${!text.trim()} onClick=${() => save.run(false)}>Save</button>`}
      <button type="button" class="button bare" onClick=${() => end(name)}>Leave it</button>
    </div>
  </form>`;
}

/** Why a draft is rejected; where it waits no more, what was typed is shown, and goes nowhere. */
export function Rejection({ draft, isGone, onDecided }) {
  const [{ comment }, keep, leave] = useTyped(REJECTION + draft.id);
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);
  const reject = useAction(async () => {
    await change("POST", `drafts/${path(draft.id)}/reject`, { comment }, { etag: draft.etag });
    leave();
    await onDecided();
  });
  return html`<form class="editor" onSubmit=${(event) => (event.preventDefault(), isGone || reject.run())}>
    ${isGone && html`<${Gone} id=${draft.id} />`}
    <label class="field"><span>Why not? It goes into the log (optional)</span><input ref=${field} maxlength="1000" value=${comment} onInput=${(event) => keep({ draft, comment: event.target.value })} /></label>
    ${!isGone && html`<${Fault} error=${reject.error} />`}
    <div class="buttons">${!isGone && html`<${Button} kind="danger" type="submit" isBusy=${reject.isBusy}>Reject<//>`}<button type="button" class="button bare" onClick=${leave}>Leave it</button></div>
  </form>`;
}

const ENDS = { DRAFT_STATE_APPROVED: "approved", DRAFT_STATE_CARRIED_OUT: "approved", DRAFT_STATE_FAILED: "approved" };

/** What became of a draft while somebody wrote other words for it. */
function Gone({ id }) {
  const { data } = useLoaded((signal) => get(`drafts/${path(id)}`, { signal }), id);
  const ended = data ? `It was ${ENDS[data.state] ?? plain(data.state, "DRAFT_STATE_")}${data.principal ? ` by ${data.principal}` : ""} while you wrote` : "It doesn’t wait any more";
  return html`<div class="versions" role="status"><p><strong>${ended}.</strong> Your words are still here, and go nowhere: copy what you need of them.</p>${data && wordsOf(data) && html`<blockquote>${wordsOf(data)}</blockquote>`}</div>`;
}
