// What each wallet has won and lost by its trades, and all of them together.
import { get, path } from "../api.js";
import { onActivity } from "../stream.js";
import { html, useEffect, useLoaded } from "../ui.js";
import { GainChart } from "./figures.js";
import { Empty, Loaded } from "./states.js";
import { moment } from "./time.js";
import { amount, counted, gain, tone } from "./words.js";

const EVERY_SECONDS = 60;
const MAX_TRADES = 500;
const FIGURES = ["trades", "realised", "unrealised", "fees", "total"];

/** A row and a curve for each character that has a wallet. */
export function Gains({ traders }) {
  const ids = traders.map((agent) => agent.id);
  const found = useLoaded((signal) => Promise.all(ids.map((id) => loaded(id, signal))), ids.join(" "), EVERY_SECONDS);
  useEffect(() => onActivity((activity) => activity.trade && found.reload()), [found.reload]);
  return html`<${Loaded} of=${found} lines=${2}>${(all) => {
    const rows = traders.map((agent, index) => ({ agent, ...figures(all[index].stats) }));
    const isComplete = all.every(({ stats }) => stats.is_complete);
    return html`<div class="table-wrap" tabindex="0" role="region" aria-label="Profit and loss of each wallet"><table>
        <thead><tr><th scope="col">Wallet of</th><th scope="col" class="number">Trades</th><th scope="col" class="number">Realised</th><th scope="col" class="number">Unrealised</th><th scope="col" class="number">Fees</th><th scope="col" class="number">In all</th></tr></thead>
        <tbody>${rows.map((row) => html`<tr key=${row.agent.id}><th scope="row"><a href="#/trades">${row.agent.name}</a></th><${Figures} of=${row} /></tr>`)}</tbody>
        ${rows.length > 1 && html`<tfoot><tr><th scope="row">All</th><${Figures} of=${sum(rows)} /></tr></tfoot>`}
      </table></div>
      <p class="hint">In SOL. Realised is what sales brought beyond the average cost of what was sold; unrealised is what the rest is worth beyond its cost, as far as it has a price${isComplete ? "" : `, of the first ${counted(100, "token")} of a wallet`}. Fees are in neither.</p>
      <${Curves} traders=${traders} all=${all} />`;
  }}<//>`;
}

async function loaded(id, signal) {
  const at = `trading/${path(id)}`;
  const [{ statistics: stats }, ledger] = await Promise.all([get(`${at}/stats`, { signal }), get(`${at}/transactions?states=SETTLED&limit=${MAX_TRADES}`, { signal })]);
  return { stats, trades: ledger.trades.map((trade) => ({ ...trade, time: Date.parse(trade.finish_time) })), isCut: Boolean(ledger.next_page_token) };
}

/** What was realised in the course of time: by all wallets, and by each. */
function Curves({ traders, all }) {
  const traded = all.filter(({ trades }) => trades.length);
  const cut = traded.filter(({ isCut }) => isCut);
  const begins = (cut.length ? cut : traded).map(({ trades }) => trades.at(-1).time);
  // Of a wallet of which older trades aren't here it isn't known how it got to where it begins.
  const from = cut.length ? Math.max(...begins) : Math.min(...begins);
  const wallets = all.map((wallet) => salesSince(from, wallet));
  const together = { total: wallets.reduce((sum, { total }) => sum + total, 0), sales: wallets.flatMap(({ sales }) => sales).sort((one, other) => one.time - other.time) };
  const chart = (name, wallet, id) => html`<${GainChart} id=${id} name=${name} ...${added(wallet)} from=${from} until=${Date.now()} />`;
  return html`<h3 class="curves-head">Realised, sale by sale</h3>
    ${wallets.every(({ total, sales }) => !total && !sales.length)
      ? html`<${Empty} title="No sale yet">The curve begins with the first sale of something that was bought.<//>`
      : html`<p class="hint">Since ${moment(from)}${cut.length ? `: of a wallet its last ${counted(MAX_TRADES, "trade")} at most` : ""}.</p>
        <div class="curves">${traders.length > 1 && html`<section aria-label="All wallets"><h4>All</h4>${chart("all of them", together)}</section>`}
        ${traders.map((agent, index) => html`<section key=${agent.id} aria-label=${`Wallet of ${agent.name}`}><h4>${agent.name}</h4>${chart(agent.name, wallets[index], agent.id)}</section>`)}</div>`}`;
}

/** Returns what a wallet realised in all, and its sales since a time. */
function salesSince(from, { stats, trades, isCut }) {
  const sales = trades.filter((trade) => trade.realised_pnl_lamports !== undefined).map(({ id, time, realised_pnl_lamports: gain }) => ({ id, time, gain: Number(gain) })).reverse();
  // Read at another moment, the statistics may have a sale more.
  return { total: isCut ? Number(stats.realised_pnl_lamports) : total(sales), sales: sales.filter(({ time }) => time >= from) };
}

/** Returns sales with what they add up to, from where they begin. */
function added({ total: last, sales }) {
  const first = last - total(sales);
  let sum = first;
  return { first, sales: sales.map((sale) => ({ ...sale, sum: (sum += sale.gain) })) };
}

function total(sales) {
  return sales.reduce((sum, { gain }) => sum + gain, 0);
}

function Figures({ of }) {
  return html`<td class="number">${of.trades.toLocaleString()}</td><td class=${`number ${tone(of.realised)}`}>${gain(of.realised, "")}</td><td class=${`number ${tone(of.unrealised)}`}>${gain(of.unrealised, "")}</td><td class="number">${amount(of.fees)}</td><td class=${`number ${tone(of.total)}`}><b>${gain(of.total, "")}</b></td>`;
}

function figures({ trade_count: trades, realised_pnl_lamports: realised, unrealised_pnl_lamports: unrealised, fee_lamports: fees }) {
  return { trades: Number(trades), realised: Number(realised), unrealised: Number(unrealised), fees: Number(fees), total: Number(realised) + Number(unrealised) - Number(fees) };
}

function sum(rows) {
  const of = (name) => rows.reduce((all, row) => all + row[name], 0);
  return Object.fromEntries(FIGURES.map((name) => [name, of(name)]));
}
