// What a character costs and earns: words of models by day, what it may spend, and its wallet.
import { get, path } from "../../api.js";
import { html, useLoaded, useMemo } from "../../ui.js";
import { BudgetOf } from "../../parts/budget.js";
import { Empty, Loaded } from "../../parts/states.js";
import { QuotaOf, WalletOf } from "../../parts/wallet.js";

const PAGE = 500;

/** Costs, limits and the wallet. */
export function Costs({ agent }) {
  const found = useLoaded((signal) => get(`agents/${path(agent.id)}/activity?limit=${PAGE}`, { signal }), agent.id, 30);
  return html`<div class="sheet two">
    <section aria-labelledby="words"><h2 id="words">Words of models</h2><${Loaded} of=${found} lines=${3}>${({ activities }) => html`<${Models} agent=${agent} activities=${activities} />`}<//></section>
    <section aria-labelledby="quota"><h2 id="quota">Its network</h2><${QuotaOf} agent=${agent} /></section>
    ${agent.wallet_id && html`<section class="span" aria-labelledby="wallet"><h2 id="wallet">Its wallet</h2><${WalletOf} agent=${agent} /></section>`}
  </div>`;
}

/** Returns tokens, cost and calls by day, newest first, as far as the entries tell. */
export function byDay(activities) {
  const days = new Map();
  for (const { create_time: time, writing } of activities) {
    if (!writing) continue;
    const day = time.slice(0, 10);
    const was = days.get(day) ?? { day, tokens: 0, calls: 0, usd: 0, unpriced: 0 };
    was.tokens += Number(writing.prompt_tokens) + Number(writing.completion_tokens);
    was.calls += writing.calls.length || 1;
    if (writing.cost_usd) was.usd += Number(writing.cost_usd);
    else was.unpriced += 1;
    days.set(day, was);
  }
  return [...days.values()];
}

function Models({ agent, activities }) {
  const days = useMemo(() => byDay(activities), [activities]);
  if (!days.length) return html`<${Empty} title="No model was asked yet">What a post cost stands here once it has written one.<//>`;
  return html`<${BudgetOf} id=${agent.id} />
    <div class="table-wrap"><table><thead><tr><th scope="col">Day</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Tokens</th><th scope="col" class="number">Cost</th></tr></thead>
      <tbody>${days.map((it) => html`<tr key=${it.day}><th scope="row">${it.day}</th><td class="number">${it.calls}</td><td class="number">${it.tokens.toLocaleString()}</td><td class="number">${it.usd ? `$${it.usd.toFixed(4)}` : it.unpriced ? "no price" : "$0"}</td></tr>`)}</tbody></table></div>
    ${activities.length >= PAGE && html`<p class="hint">Of its last ${PAGE} entries; the first of these days may be incomplete.</p>`}`;
}
