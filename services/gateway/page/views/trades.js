// Trades: what the wallets hold, what was swapped, and how far each swap has come.
import { get, path } from "../api.js";
import { onActivity } from "../stream.js";
import { agents } from "../suite.js";
import { html, useEffect, useLoaded, useStore } from "../ui.js";
import { Button, useAction } from "../parts/action.js";
import { Avatar, hueOf } from "../parts/avatar.js";
import { Empty, Fault, Loaded, Skeleton } from "../parts/states.js";
import { Time } from "../parts/time.js";
import { WalletOf } from "../parts/wallet.js";
import { amount, gain, plain, short, tone } from "../parts/words.js";

const WRAPPED_SOL = "So11111111111111111111111111111111111111112";
const STATES = { settled: "settled", failed: "failed", "outcome unknown": "being looked for", signed: "on its way", claimed: "being prepared" };

/** A sheet for each character that has a wallet. */
export function TradesView() {
  const { list, error } = useStore(agents);
  const traders = (list ?? []).filter((agent) => agent.wallet_id);
  return html`<div class="wide">
    <header class="view-head"><h1 tabindex="-1">Trades</h1><p class="lead">Every trade follows its wallet’s policy, and is signed by code. No text of anybody’s moves one.</p></header>
    <${Fault} error=${error} />
    ${!list && !error && html`<${Skeleton} lines=${4} label="Trades are loading" />`}
    ${list && !traders.length && html`<${Empty} title="Nobody trades">A character gets a wallet when its persona says “trading_enabled” under “solana_integration”.<//>`}
    ${traders.map((agent) => html`<section class="trader" key=${agent.id} style=${{ "--hue": hueOf(agent.id) }} aria-labelledby=${`trader-${agent.id}`}>
      <header><${Avatar} id=${agent.id} name=${agent.name} /><h2 id=${`trader-${agent.id}`}><a href=${`#/characters/${encodeURIComponent(agent.id)}`}>${agent.name}</a></h2></header>
      <div class="sheet two"><section aria-label="Wallet"><${WalletOf} agent=${agent} /></section><${TradesOf} agent=${agent} /></div>
    </section>`)}
  </div>`;
}

function TradesOf({ agent }) {
  const at = `trading/${path(agent.id)}/transactions?limit=25`;
  const found = useLoaded(async (signal) => {
    const [page, held] = await Promise.all([get(at, { signal }), get(`trading/${path(agent.id)}/balance?limit=500`, { signal })]);
    return { ...page, tokens: Object.fromEntries(held.balances.map((balance) => [balance.mint, balance])) };
  }, agent.id, 15);
  useEffect(() => onActivity((activity) => activity.agent_id === agent.id && activity.trade && found.reload()), [agent.id, found.reload]);
  const more = useAction(async () => {
    const page = await get(`${at}&page_token=${encodeURIComponent(found.data.next_page_token)}`);
    found.put((was) => ({ ...was, trades: [...was.trades, ...page.trades], next_page_token: page.next_page_token }));
  });
  return html`<section aria-label="Trades"><${Loaded} of=${found} lines=${4}>${({ trades, tokens, next_page_token: older }) => html`
    ${!trades.length && html`<${Empty} title="No trade yet">${agent.name} looks at the market by its schedule.<//>`}
    <ol class="ledger">${trades.map((trade) => html`<li key=${trade.id}><${Trade} trade=${trade} tokens=${tokens} /></li>`)}</ol>
    ${older && html`<div class="more"><${Button} isBusy=${more.isBusy} onClick=${more.run}>Show older ones<//><${Fault} error=${more.error} /></div>`}`}<//></section>`;
}

function Trade({ trade, tokens }) {
  const isPurchase = trade.input_mint === WRAPPED_SOL;
  const mint = isPurchase ? trade.output_mint : trade.input_mint;
  const token = tokens[mint];
  const units = isPurchase ? trade.output_amount : trade.input_amount;
  const sol = isPurchase ? trade.input_amount : trade.output_amount;
  const state = plain(trade.state, "TRADE_STATE_");
  return html`<p class="ledger-what"><b>${isPurchase ? "Bought" : "Sold"} ${token && Number(units) ? amount(units, token.decimals) : ""} <span title=${mint}>${token?.symbol || short(mint)}</span></b><span class="number">${isPurchase ? "−" : "+"}${amount(sol)} SOL</span></p>
    <p class="hint"><span class=${`tag ${state.replace(" ", "-")}`}>${STATES[state] ?? state}</span> <${Time} at=${trade.finish_time ?? trade.create_time} />${trade.realised_pnl_lamports !== undefined && html` · realised <span class=${tone(trade.realised_pnl_lamports)}>${gain(trade.realised_pnl_lamports)}</span>`}${trade.state_reason && ` · ${trade.state_reason}`}${trade.signature && html` · <code title=${trade.signature}>${short(trade.signature)}</code>`}</p>`;
}
