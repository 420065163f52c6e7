// A budget for the words of models: what may be spent in a day, and what is spent of it.
import { get, path } from "../api.js";
import { html, useLoaded } from "../ui.js";
import { Gauge } from "./figures.js";
import { Loaded } from "./states.js";

/** The budget of a character; without an id, the suite's. In short it doesn't say how to name one. */
export function BudgetOf({ id = "", isShort = false }) {
  const found = useLoaded((signal) => get(id ? `budgets/${path(id)}` : "budgets", { signal }), `budget ${id}`, 15);
  return html`<${Loaded} of=${found} lines=${1}>${(budget) => html`<${Limits} budget=${budget} id=${id} isShort=${isShort} />`}<//>`;
}

function Limits({ budget, id, isShort }) {
  const tokens = budget.tokens_per_day === undefined ? null : Number(budget.tokens_per_day);
  const dollars = budget.usd_per_day ? Number(budget.usd_per_day) : null;
  const spent = `${money(budget.spent_usd)} and ${Number(budget.spent_tokens).toLocaleString()} tokens today`;
  if (tokens === null && dollars === null) {
    if (isShort) return html`<p>${spent}</p>`;
    const how = id
      ? html`<a href=${`#/characters/${path(id)}/persona`}>its persona</a> may name one`
      : html`<code>PUPPET_LLM_USD_PER_DAY</code> names one`;
    return html`<p>${spent}; no limit: ${how}.</p>`;
  }
  return html`${dollars !== null && html`<${Gauge} label="Dollars today" used=${Number(budget.spent_usd)} of=${dollars} words=${`${money(budget.spent_usd)} of ${money(budget.usd_per_day)}`} />`}
    ${tokens !== null && html`<${Gauge} label="Tokens today" used=${Number(budget.spent_tokens)} of=${tokens} words=${`${Number(budget.spent_tokens).toLocaleString()} of ${tokens.toLocaleString()}`} />`}`;
}

/** Returns dollars, with as many digits as a small sum needs. */
export function money(usd) {
  const value = Number(usd);
  return `$${value === 0 || value >= 0.01 ? value.toFixed(2) : value.toPrecision(2)}`;
}
