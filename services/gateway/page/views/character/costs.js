// What a character costs and earns: words of models by day, what it may spend, and its wallet.
import { get, path } from "../../api.js";
import { html, useLoaded } from "../../ui.js";
import { BudgetOf, money } from "../../parts/budget.js";
import { Empty, Loaded } from "../../parts/states.js";
import { QuotaOf, WalletOf } from "../../parts/wallet.js";

const DAYS = 30;
const DAY_MS = 86_400_000;

/** Costs, limits and the wallet. */
export function Costs({ agent }) {
  const found = useLoaded((signal) => {
    const first = new Date(Date.now() - (DAYS - 1) * DAY_MS).toISOString().slice(0, 10);
    return get(`usage?agent_id=${path(agent.id)}&first_day=${first}&group_by=USAGE_GROUPING_DAY`, { signal });
  }, agent.id, 30);
  return html`<div class="sheet two">
    <section aria-labelledby="words"><h2 id="words">Words of models</h2><${BudgetOf} id=${agent.id} /><${Loaded} of=${found} lines=${3}>${({ rows }) => html`<${Days} rows=${rows} />`}<//></section>
    <section aria-labelledby="quota"><h2 id="quota">Its network</h2><${QuotaOf} agent=${agent} /></section>
    ${agent.wallet_id && html`<section class="span" aria-labelledby="wallet"><h2 id="wallet">Its wallet</h2><${WalletOf} agent=${agent} /></section>`}
  </div>`;
}

function Days({ rows }) {
  if (!rows.length) return html`<${Empty} title="No model was asked yet">What a post cost stands here once it has written one.<//>`;
  const days = [...rows].sort((one, other) => other.day.localeCompare(one.day));
  return html`<div class="table-wrap"><table><thead><tr><th scope="col">Day</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Tokens</th><th scope="col" class="number">Cost</th></tr></thead>
      <tbody>${days.map((it) => html`<tr key=${it.day}><th scope="row">${it.day}</th><td class="number">${Number(it.attempt_count).toLocaleString()}</td><td class="number">${(Number(it.usage.prompt_tokens) + Number(it.usage.completion_tokens)).toLocaleString()}</td><td class="number">${money(it.cost_usd)}</td></tr>`)}</tbody></table></div>
    <p class="hint">The last ${DAYS} days, in UTC; costs as far as prices are known.</p>`;
}
