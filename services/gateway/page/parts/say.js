// "Say something about ...": asks a character for a post, and tells what came of it.
import { change, oneTimeKey, path, session } from "../api.js";
import { html, useState, useStore } from "../ui.js";
import { Button, useAction } from "./action.js";
import { Fault } from "./states.js";
import { kindOf, saidIn } from "./words.js";

const SECONDS = 90;

/** A line to ask for a post. */
export function SaySomething({ agent }) {
  const [topic, setTopic] = useState("");
  const [came, setCame] = useState(null);
  const may = useStore(session)?.may_write;
  const ask = useAction(async () => {
    setCame(null);
    setCame(await change("POST", `agents/${path(agent.id)}/post`, { topic }, { key: oneTimeKey(), seconds: SECONDS }));
    setTopic("");
  });
  return html`<section class="say" aria-label=${`Let ${agent.name} say something`}>
    <form onSubmit=${(event) => (event.preventDefault(), ask.run())}>
      <label for="topic">Say something about</label>
      <input id="topic" maxlength="500" placeholder="whatever it likes" value=${topic} onInput=${(event) => setTopic(event.target.value)} disabled=${!agent.is_active || !may} />
      <${Button} kind="primary" type="submit" isBusy=${ask.isBusy} busy="It thinks …" disabled=${!agent.is_active || !may}>Ask<//>
    </form>
    <div role="status">
      ${!agent.is_active && html`<p class="hint">${agent.name} rests. Start it first.</p>`}
      ${came && html`<${Came} came=${came} name=${agent.name} />`}
    </div>
    <${Fault} error=${ask.error} />
  </section>`;
}

function Came({ came: { activity, waiting }, name }) {
  if (!activity) return html`<p class="hint">${name} is still at it${waiting?.description ? `: ${waiting.description}` : ""}. The feed tells what comes of it.</p>`;
  const said = saidIn(activity);
  if (kindOf(activity) === "draft") return html`<p><q class="said">${said}</q> <a href="#/inbox">It waits for you in the inbox.</a></p>`;
  return said ? html`<p><q class="said">${said}</q></p>` : html`<p>${name} ${activity.summary} <span class="hint">${activity.reason}</span></p>`;
}
