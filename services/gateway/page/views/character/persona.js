// The persona: the fields that are changed often as a form, all of it as JSON, both checked by the schema.
import { change, get, path, session } from "../../api.js";
import { readAgents } from "../../suite.js";
import { html, useEffect, useLoaded, useMemo, useState, useStore } from "../../ui.js";
import { Button, useAction } from "../../parts/action.js";
import { differences, violationsOf } from "../../parts/persona.js";
import { Fault, Loaded } from "../../parts/states.js";
import { useTyped } from "../../parts/typed.js";
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
  const [mine, put, end] = useTyped(`persona/${before.id}`);
  const { base, etag, persona, text } = mine ?? { base: before.persona, etag: before.etag, persona: before.persona, text: null };
  const [isJson, setJson] = useState(text !== null);
  const keep = (next) => put(marked({ base, etag, persona, text, ...next }));
  const [theirs, setTheirs] = useState(null);
  const found = useViolations(schema, persona);
  const parsed = useMemo(() => (text === null ? { value: persona } : parse(text)), [text, persona]);
  const changed = differences(base, persona);
  const save = useAction(async (expected = etag) => {
    try {
      await change("PUT", `agents/${path(before.id)}`, persona, { etag: expected });
    } catch (error) {
      setTheirs(error.status === 412 ? await get(`agents/${path(before.id)}`) : null);
      throw error;
    }
    end();
    await saved();
  });
  const write = (value) => {
    const next = parse(value);
    keep({ text: value, persona: next.fault ? persona : next.value });
  };
  const leave = async () => {
    end();
    await saved();
  };
  const violations = [...found, ...(save.error?.violations ?? []).map((it) => ({ ...it, field: it.field.replace(/^persona\.?/, "") })).filter((it) => !found.some((one) => one.field === it.field))];
  const isWrong = Boolean(parsed.fault) || found.length > 0;
  return html`<section aria-labelledby="editor">
    <div class="section-head"><h2 id="editor">Persona</h2>
      <div class="segments" role="group" aria-label="Edit as">
        <button aria-pressed=${!isJson} disabled=${Boolean(parsed.fault)} onClick=${() => (setJson(false), text !== null && keep({ text: null }))}>Form</button>
        <button aria-pressed=${isJson} onClick=${() => setJson(true)}>JSON</button></div></div>
    ${!may && html`<p class="hint">You may look at it. Only the operator changes it.</p>`}
    <form onSubmit=${(event) => (event.preventDefault(), save.run())}>
      ${isJson
        ? html`<label class="field"><span>The whole persona</span><textarea class="json" rows="28" spellcheck="false" autocapitalize="off" aria-invalid=${isWrong} aria-describedby="violations" value=${text ?? JSON.stringify(persona, null, 2)} readonly=${!may} onInput=${(event) => write(event.target.value)}></textarea></label>`
        : html`<${PersonaForm} schema=${schema} persona=${persona} put=${(next) => keep({ persona: next })} violations=${violations} isFixed=${!may} />`}
      <div id="violations" role="status">
        ${parsed.fault && html`<p class="violation"><code>${parsed.fault.place}</code> ${parsed.fault.description}</p>`}
        ${!parsed.fault && violations.length > 0 && html`<p class="violations-head">${counted(violations.length, "field")} to mend:</p><ul class="violations">${violations.map((it) => html`<li key=${it.field} class="violation"><code>${it.field}</code> ${it.description}</li>`)}</ul>`}
      </div>
      ${theirs ? html`<${Conflict} mine=${persona} theirs=${theirs} base=${base} overwrite=${() => (keep({ etag: theirs.etag }), save.run(theirs.etag))} leave=${leave} isBusy=${save.isBusy} />` : save.error?.violations.length ? null : html`<${Fault} error=${save.error} />`}
      <div class=${`buttons ${changed.length ? "sticky" : ""}`}><${Button} kind="primary" type="submit" isBusy=${save.isBusy} disabled=${!may || isWrong || changed.length === 0}>Save<//>
        <button type="button" class="button" disabled=${!mine} onClick=${() => (setTheirs(null), end())}>Undo</button>
        <p class="hint" role="status">${changed.length ? `Changed: ${changed.slice(0, 3).map((it) => it.path).join(", ")}${changed.length > 3 ? ` and ${changed.length - 3} more` : ""}` : "Memories, mood and schedule stay as they are."}</p></div>
    </form>
  </section>`;
}

const SECRET = /"(apiKey|apiKeySecret|accessToken|accessTokenSecret|private_key)"\s*:\s*"(?!\[redacted\]"|")/;

/** Marks what holds a secret of the character's: that is kept nowhere but here, until it is saved. */
function marked(typed) {
  return { ...typed, isSecret: SECRET.test(typed.text ?? "") || SECRET.test(JSON.stringify(typed.persona)) };
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
