// Budgets, quotas, profit and loss: what the suite spends and gains, in one place.
import { agents } from "../suite.js";
import { html, useStore } from "../ui.js";
import { Avatar, hueOf } from "../parts/avatar.js";
import { BudgetOf } from "../parts/budget.js";
import { Gains } from "../parts/gains.js";
import { Empty, Skeleton } from "../parts/states.js";
import { QuotaOf } from "../parts/wallet.js";

/** The three places. */
export function MoneyView() {
  const { list } = useStore(agents);
  const traders = (list ?? []).filter((agent) => agent.wallet_id);
  return html`<div class="wide">
    <header class="view-head"><h1 tabindex="-1">Budgets</h1><p class="lead">What the characters may spend and say in a day, and what became of it.</p></header>
    ${!list && html`<${Skeleton} lines=${3} label="Budgets are loading" />`}
    ${list && html`<div class="sheet">
      <section aria-labelledby="all"><h2 id="all">The suite, for words of models</h2><${BudgetOf} /></section>
      <section aria-labelledby="limits"><h2 id="limits">What each may</h2><p class="hint">A persona’s “budget” limits its words; where there is no bar, there is no limit. What it may post is its network’s to say.</p>
        ${list.length === 0 && html`<${Empty} title="Nobody lives here yet">Write a persona file, and type <code>puppetctl apply my-character.json</code>.<//>`}
        <ul class="limits">${list.map((agent) => html`<li key=${agent.id} style=${{ "--hue": hueOf(agent.id) }}>
          <h3><${Avatar} id=${agent.id} name=${agent.name} size=${36} /><a href=${`#/characters/${encodeURIComponent(agent.id)}/costs`}>${agent.name}</a></h3>
          <div><h4>Words of models</h4><${BudgetOf} id=${agent.id} isShort /></div>
          <div><h4>Its network</h4>${agent.account_id ? html`<${QuotaOf} agent=${agent} isShort />` : html`<p>It has no account.</p>`}</div>
        </li>`)}</ul></section>
      <section aria-labelledby="gains"><h2 id="gains">Profit and loss</h2>
        ${traders.length ? html`<${Gains} traders=${traders} />` : html`<${Empty} title="Nobody trades">A character gets a wallet when its persona says “trading_enabled” under “solana_integration”.<//>`}</section>
    </div>`}
  </div>`;
}
