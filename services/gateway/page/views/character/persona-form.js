// The fields of a persona that are changed often, each with what the schema says of it.
import { html } from "../../ui.js";
import { at, schemaAt, withValue } from "../../parts/persona.js";

const GROUPS = [
  ["Who it is", ["name", "description", "personality.background", "personality.traits", "personality.values", "personality.interests", "personality.quirks"]],
  ["How it speaks", ["personality.speaking_style", "style_guide.voice", "style_guide.tone", "style_guide.content_preferences.typical_post_length", "style_guide.content_preferences.max_post_length", "style_guide.vocabulary.avoid_terms", "style_guide.topics_to_avoid"]],
  ["When it acts", ["behavior.post_frequency.min_hours_between_posts", "behavior.post_frequency.max_hours_between_posts", "behavior.interaction_patterns.reply_probability"]],
  ["How it feels", ["personality.emotional_range.default_mood", "personality.emotional_range.mood_swings", "personality.emotional_range.stress_triggers"]],
  ["What it may", ["approval", "budget.llm_tokens_per_day"]],
];
const LABELS = { llm_tokens_per_day: "Tokens of models a day" };
const LONG = new Set(["description", "personality.background", "personality.speaking_style", "style_guide.voice"]);

/** The form. */
export function PersonaForm({ schema, persona, put, violations, isFixed }) {
  return html`${GROUPS.map(([title, paths]) => html`<fieldset key=${title}><legend>${title}</legend>
    ${paths.map((path) => ({ path, about: schemaAt(schema, path) })).filter(({ about }) => about).map(({ path, about }) => {
      const wrong = violations.filter((it) => it.field === path || it.field.startsWith(`${path}.`));
      return html`<${Field} key=${path} path=${path} about=${about} value=${at(persona, path)} wrong=${wrong} isFixed=${isFixed} put=${(next) => put(withValue(persona, path, next))} />`;
    })}
  </fieldset>`)}`;
}

function Field({ path, about, value, wrong, isFixed, put }) {
  const id = `field-${path.replaceAll(".", "-")}`;
  const name = path.split(".").pop();
  const label = LABELS[name] ?? name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
  const shared = { id, disabled: isFixed, "aria-invalid": wrong.length > 0, "aria-describedby": `${id}-about` };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <${Input} ...${{ path, about, value, put, shared }} />
    <p id=${`${id}-about`} class="hint">${wrong.length > 0 && html`<span class="violation">${wrong.map((it) => (it.field === path ? it.description : `${it.field.slice(path.length + 1)}: ${it.description}`)).join("; ")}. </span>`}${about.description}</p>
  </div>`;
}

function Input({ path, about, value, put, shared }) {
  if (about.enum) return html`<select ...${shared} value=${value ?? about.enum[0]} onChange=${(event) => put(event.target.value)}>${about.enum.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select>`;
  if (isList(about, value)) {
    const text = (Array.isArray(value) ? value : []).join("\n");
    return html`<textarea ...${shared} rows=${Math.min(8, Math.max(2, (value?.length ?? 0) + 1))} placeholder="One a line" value=${text} onInput=${(event) => put(event.target.value === "" ? undefined : event.target.value.split("\n"))} onBlur=${() => Array.isArray(value) && put(value.map((line) => line.trim()).filter(Boolean))}></textarea>`;
  }
  if (isNumber(about)) {
    return html`<input ...${shared} type="number" step="any" min=${about.minimum} max=${about.maximum} value=${value ?? ""} placeholder=${about.default ?? ""} onInput=${(event) => put(event.target.value === "" ? undefined : Number(event.target.value))} />`;
  }
  if (value !== undefined && typeof value !== "string") return html`<p id=${shared.id} class="hint">It is more than a line: change it as JSON.</p>`;
  const typed = { ...shared, value: value ?? "", onInput: (event) => put(event.target.value) };
  return LONG.has(path) ? html`<textarea ...${typed} rows="3"></textarea>` : html`<input ...${typed} />`;
}

function forms(about) {
  return [about, ...(about.oneOf ?? [])];
}

function isList(about, value) {
  if (Array.isArray(value)) return value.every((one) => typeof one === "string");
  return value === undefined && forms(about)[0].type === "array" && about.items?.type === "string";
}

function isNumber(about) {
  return forms(about).some((form) => form.type === "number" || form.type === "integer");
}
