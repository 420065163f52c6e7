// Everything that led to an activity, when somebody asks: what for, what about, what was remembered, and what else it
// might have said.
import { get, path } from "../api.js";
import { html, useLoaded } from "../ui.js";
import { Loaded } from "./states.js";
import { Time } from "./time.js";
import { occasion, origin, plain, reasons } from "./words.js";

/** An activity's explanation, which is asked for when it is shown. */
export function Why({ activity }) {
  const found = useLoaded((signal) => get(`activity/${path(activity.id)}/explanation`, { signal }), activity.id);
  return html`<section class="why" aria-label="Why">
    <${Loaded} of=${found} lines=${2}>${(told) => html`<${Told} told=${told} />`}<//>
  </section>`;
}

function Told({ told }) {
  const { activity, occasion: why, topic_choice: choice, draft: decision, memories, prompts } = told;
  const writing = activity.writing;
  return html`
    <dl class="facts">
      ${occasion(why?.trigger) && html`<div><dt>Occasion</dt><dd>${occasion(why.trigger)}${why.principal && `, by ${why.principal}`}${why.due_time && html` (due <${Time} at=${why.due_time} ago />)`}</dd></div>`}
      ${activity.reason && html`<div><dt>Reason</dt><dd>${reasons(activity.reason).join(" · ")}</dd></div>`}
      ${activity.mood && html`<div><dt>Mood</dt><dd>${activity.mood}</dd></div>`}
      ${decision?.draft_id && html`<div><dt>Draft</dt><dd>${plain(decision.state)}${decision.principal && ` by ${decision.principal}`}${decision.comment && `: “${decision.comment}”`}</dd></div>`}
      ${activity.failure && html`<div><dt>In the way</dt><dd>${activity.failure.description || activity.failure.reason}${activity.failure.retry_time && html`, tried again <${Time} at=${activity.failure.retry_time} />`}</dd></div>`}
      ${activity.trade?.swap?.signature && html`<div><dt>Signature</dt><dd><code>${activity.trade.swap.signature}</code></dd></div>`}
    </dl>
    ${choice?.options?.length > 0 && html`<${Topics} choice=${choice} />`}
    ${memories.length > 0 && html`<h4>What it remembered</h4><${Memories} memories=${memories} />`}
    ${(activity.trade?.scores ?? activity.passed?.scores)?.length > 0 && html`<${Scores} scores=${activity.trade?.scores ?? activity.passed.scores} />`}
    ${writing?.candidates?.length > 0 && html`<${Candidates} writing=${writing} />`}
    ${prompts.map((prompt) => html`<details key=${prompt.id}><summary>What the model was asked</summary><${Prompt} prompt=${prompt} /></details>`)}`;
}

function Topics({ choice }) {
  const likely = choice.options.filter((option) => option.weight > 0 || option.is_chosen).length;
  return html`<h4>What it might have been about</h4>
    <ul class="topics">${choice.options.map((option) => html`<li key=${option.topic} class=${option.is_chosen ? "chosen" : option.is_recent ? "recent" : ""}>
      ${option.topic}${option.is_chosen && html`<span class="unseen"> (chosen)</span>`}${option.is_recent && html`<span class="unseen"> (of late)</span>`}</li>`)}</ul>
    <p class="hint">${likely} of ${choice.options.length} were likely; what it spoke of lately was not.</p>`;
}

/** What was brought in, with where it comes from. */
export function Memories({ memories }) {
  return html`<ul class="recalled">${memories.map((memory) => html`<li key=${memory.memory_id}>
    <q>${memory.text}</q> <small>${[plain(memory.use, "MEMORY_USE_"), origin(memory.source), memory.relevance !== undefined && `fits ${Math.round(memory.relevance * 100)} %`].filter(Boolean).join(" · ")}</small>
  </li>`)}</ul>`;
}

function Scores({ scores }) {
  return html`<h4>How it judged them</h4><ol class="scores">${scores.map(({ symbol, score }) => html`<li key=${symbol}>
    <span>${symbol}</span><meter min="0" max="1" value=${score} aria-label=${`${symbol}: ${score}`}></meter><span class="number">${score.toFixed(2)}</span></li>`)}</ol>`;
}

/** What a model wrote, the chosen one marked, and why others weren't good enough. */
export function Candidates({ writing }) {
  const cost = writing.cost_usd ? `$${Number(writing.cost_usd).toFixed(4)}` : "no price known";
  return html`<h4>What else it might have said</h4>
    <ol class="candidates">${writing.candidates.map((candidate, index) => html`<li key=${index} class=${candidate.is_chosen ? "chosen" : ""}>
      <span>${candidate.text}</span>
      <small>${[candidate.is_chosen && "taken", candidate.score !== undefined && `score ${candidate.score.toFixed(2)}`, ...candidate.objections.map((it) => it.description)].filter(Boolean).join(" · ")}</small>
    </li>`)}</ol>
    <p class="hint">${writing.provider}/${writing.model} · ${Number(writing.prompt_tokens).toLocaleString()} tokens read, ${Number(writing.completion_tokens).toLocaleString()} written · ${cost}</p>`;
}

function Prompt({ prompt }) {
  const parts = [
    { label: "system", text: prompt.system },
    ...prompt.background,
    ...prompt.notes,
    ...prompt.examples.map((example) => ({ label: `example: ${example.input}`, text: example.output })),
    ...prompt.conversation,
    ...prompt.context,
    ...(prompt.input ? [prompt.input] : []),
  ].filter((part) => part.text);
  return html`<dl class="prompt">${parts.map((part, index) => html`<div key=${index}><dt>${part.label}</dt><dd>${part.text}</dd></div>`)}</dl>`;
}
