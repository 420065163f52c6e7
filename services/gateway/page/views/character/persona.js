// The persona: the fields that are changed often as a form, all of it as JSON, both checked by the schema.
import { change, get, path, session } from "../../api.js";
import { readAgents } from "../../suite.js";
import { html, useEffect, useLoaded, useMemo, useState, useStore } from "../../ui.js";
import { Button, useAction } from "../../parts/action.js";
import { differences, violationsOf } from "../../parts/persona.js";
import { Fault, Loaded } from "../../parts/states.js";
import { counted } from "../../parts/words.js";
import { PersonaForm } from "./persona-form.js";
import { Conflict } from "./persona-conflict.js";
import { Versions } from "./persona-versions.js";

/** The persona as it is, to be changed. */
export function Persona({ agent }) {
  const found = useLoaded(async (signal) => {
    const [current, schema] = await Promise.all([get(`agents/${path(agent.id)}`, { signal }), get("personas/schema", { signal })]);
    return { current, schema };
  }, agent.id);
  const saved = async () => {
    await Promise.all([found.reload(), readAgents()]);
  };
  return html`<${Loaded} of=${found} lines=${6}>${({ current, schema }) => html`<div class="sheet side">
    <${Editor} key=${current.etag} before=${current} schema=${schema} saved=${saved} />
    <${Versions} agent=${current} saved=${saved} />
  </div>`}<//>`;
}

function Editor({ before, schema, saved }) {
  const may = useStore(session)?.kind === "operator";
  const [persona, setPersona] = useState(before.persona);
  const [etag, setEtag] = useState(before.etag);
  const [text, setText] = useState(null);
  const [theirs, setTheirs] = useState(null);
  const found = useViolations(schema, persona);
  const parsed = useMemo(() => (text === null ? { value: persona } : parse(text)), [text, persona]);
  const changed = differences(before.persona, persona);
  const save = useAction(async (expected = etag) => {
    try {
      await change("PUT", `agents/${path(before.id)}`, persona, { etag: expected });
    } catch (error) {
      setTheirs(error.status === 412 ? await get(`agents/${path(before.id)}`) : null);
      throw error;
    }
    await saved();
  });
  const write = (value) => {
    setText(value);
    const next = parse(value);
    if (!next.fault) setPersona(next.value);
  };
  const violations = [...found, ...(save.error?.violations ?? []).map((it) => ({ ...it, field: it.field.replace(/^persona\.?/, "") })).filter((it) => !found.some((one) => one.field === it.field))];
  const isJson = text !== null;
  const isWrong = Boolean(parsed.fault) || found.length > 0;
  return html`<section aria-labelledby="editor">
    <div class="section-head"><h2 id="editor">Persona</h2>
      <div class="segments" role="group" aria-label="Edit as">
        <button aria-pressed=${!isJson} disabled=${Boolean(parsed.fault)} onClick=${() => setText(null)}>Form</button>
        <button aria-pressed=${isJson} onClick=${() => setText(text ?? JSON.stringify(persona, null, 2))}>JSON</button></div></div>
    ${!may && html`<p class="hint">You may look at it. Only the operator changes it.</p>`}
    <form onSubmit=${(event) => (event.preventDefault(), save.run())}>
      ${isJson
        ? html`<label class="field"><span>The whole persona</span><textarea class="json" rows="28" spellcheck="false" autocapitalize="off" aria-invalid=${isWrong} aria-describedby="violations" value=${text} readonly=${!may} onInput=${(event) => write(event.target.value)}></textarea></label>`
        : html`<${PersonaForm} schema=${schema} persona=${persona} put=${setPersona} violations=${violations} isFixed=${!may} />`}
      <div id="violations" role="status">
        ${parsed.fault && html`<p class="violation"><code>${parsed.fault.place}</code> ${parsed.fault.description}</p>`}
        ${!parsed.fault && violations.length > 0 && html`<p class="violations-head">${counted(violations.length, "field")} to mend:</p><ul class="violations">${violations.map((it) => html`<li key=${it.field} class="violation"><code>${it.field}</code> ${it.description}</li>`)}</ul>`}
      </div>
      ${theirs ? html`<${Conflict} mine=${persona} theirs=${theirs} base=${before.persona} overwrite=${() => (setEtag(theirs.etag), save.run(theirs.etag))} leave=${saved} isBusy=${save.isBusy} />` : save.error?.violations.length ? null : html`<${Fault} error=${save.error} />`}
      <div class=${`buttons ${changed.length ? "sticky" : ""}`}><${Button} kind="primary" type="submit" isBusy=${save.isBusy} disabled=${!may || isWrong || changed.length === 0}>Save<//>
        <button type="button" class="button" disabled=${changed.length === 0 && !parsed.fault} onClick=${() => (setPersona(before.persona), setText(isJson ? JSON.stringify(before.persona, null, 2) : null))}>Undo</button>
        <p class="hint" role="status">${changed.length ? `Changed: ${changed.slice(0, 3).map((it) => it.path).join(", ")}${changed.length > 3 ? ` and ${changed.length - 3} more` : ""}` : "Memories, mood and schedule stay as they are."}</p></div>
    </form>
  </section>`;
}

/** Returns what the schema holds against a persona, a moment after it was changed. */
function useViolations(schema, persona) {
  const [found, setFound] = useState([]);
  useEffect(() => {
    let isCurrent = true;
    violationsOf(schema, persona).then((violations) => isCurrent && setFound(violations));
    return () => {
      isCurrent = false;
    };
  }, [schema, persona]);
  return found;
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return { fault: { place: "the persona", description: "must be an object: { … }" } };
    return { value };
  } catch (error) {
    const offset = Number(/position (\d+)/.exec(error.message)?.[1] ?? text.length);
    const before = text.slice(0, offset).split("\n");
    return { fault: { place: `line ${before.length}, column ${before.at(-1).length + 1}`, description: error.message.replace(/ in JSON at position.*/, "") } };
  }
}
