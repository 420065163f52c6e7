// What each wallet has won and lost by its trades, and all of them together.
import { get, path } from "../api.js";
import { onActivity } from "../stream.js";
import { html, useEffect, useLoaded } from "../ui.js";
import { Loaded } from "./states.js";
import { amount, counted, gain, tone } from "./words.js";

const EVERY_SECONDS = 60;
const FIGURES = ["trades", "realised", "unrealised", "fees", "total"];

/** A row for each character that has a wallet. */
export function Gains({ traders }) {
  const ids = traders.map((agent) => agent.id);
  const found = useLoaded((signal) => Promise.all(ids.map((id) => get(`trading/${path(id)}/stats`, { signal }))), ids.join(" "), EVERY_SECONDS);
  useEffect(() => onActivity((activity) => activity.trade && found.reload()), [found.reload]);
  return html`<${Loaded} of=${found} lines=${2}>${(all) => {
    const rows = traders.map((agent, index) => ({ agent, ...figures(all[index].statistics) }));
    const isComplete = all.every(({ statistics }) => statistics.is_complete);
    return html`<div class="table-wrap" tabindex="0" role="region" aria-label="Profit and loss of each wallet"><table>
        <thead><tr><th scope="col">Wallet of</th><th scope="col" class="number">Trades</th><th scope="col" class="number">Realised</th><th scope="col" class="number">Unrealised</th><th scope="col" class="number">Fees</th><th scope="col" class="number">In all</th></tr></thead>
        <tbody>${rows.map((row) => html`<tr key=${row.agent.id}><th scope="row"><a href="#/trades">${row.agent.name}</a></th><${Figures} of=${row} /></tr>`)}</tbody>
        ${rows.length > 1 && html`<tfoot><tr><th scope="row">All</th><${Figures} of=${sum(rows)} /></tr></tfoot>`}
      </table></div>
      <p class="hint">In SOL. Realised is what sales brought beyond the average cost of what was sold; unrealised is what the rest is worth beyond its cost, as far as it has a price${isComplete ? "" : `, of the first ${counted(100, "token")} of a wallet`}. Fees are in neither.</p>`;
  }}<//>`;
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
