// A wallet as one reads it: what it holds, what it won and lost, and what it may still do today.
import { change, get, path, session } from "../api.js";
import { onActivity } from "../stream.js";
import { html, useEffect, useLoaded, useStore } from "../ui.js";
import { Button, useAction } from "./action.js";
import { Gauge } from "./figures.js";
import { Fault, Loaded } from "./states.js";
import { Time } from "./time.js";
import { amount, counted, gain, short, tone } from "./words.js";

const EVERY_SECONDS = 60;

/** What a character's wallet is worth, and what limits it. */
export function WalletOf({ agent }) {
  const root = `trading/${path(agent.id)}`;
  const found = useLoaded(async (signal) => {
    const [wallet, portfolio, allowance] = await Promise.all(["wallet", "portfolio?limit=100", "allowance"].map((name) => get(`${root}/${name}`, { signal })));
    return { wallet, allowance, ...portfolio };
  }, agent.id, EVERY_SECONDS);
  useEffect(() => onActivity((activity) => activity.agent_id === agent.id && activity.trade && found.reload()), [agent.id, found.reload]);
  return html`<${Loaded} of=${found} lines=${3}>${(data) => html`<${Wallet} agent=${agent} data=${data} reload=${found.reload} />`}<//>`;
}

function Wallet({ agent, data: { wallet, portfolio, holdings, allowance, next_page_token: others }, reload }) {
  const open = holdings.filter((holding) => holding.unrealised_pnl_lamports !== undefined);
  const unrealised = open.reduce((sum, holding) => sum + Number(holding.unrealised_pnl_lamports), 0);
  const worth = holdings.reduce((sum, holding) => sum + Number(holding.value_lamports ?? 0), Number(portfolio.lamports));
  const { policy } = allowance;
  const traded = policy.max_daily_trades - allowance.remaining_trades;
  const volume = Number(policy.max_daily_volume_lamports) - Number(allowance.remaining_volume_lamports);
  return html`<dl class="totals">
      <div><dt>Worth</dt><dd>${amount(worth)} SOL</dd></div>
      <div><dt>Of it free</dt><dd>${amount(portfolio.lamports)} SOL</dd></div>
      <div><dt>Fees</dt><dd>${amount(portfolio.fee_lamports)} SOL</dd></div>
      <div><dt>Realised</dt><dd class=${tone(portfolio.realised_pnl_lamports)}>${gain(portfolio.realised_pnl_lamports)}</dd></div>
      <div><dt>Unrealised</dt><dd class=${tone(unrealised)}>${gain(unrealised)}</dd></div>
    </dl>
    ${holdings.length > 0 && html`<div class="table-wrap" tabindex="0" role="region" aria-label="What it holds"><table><thead><tr><th scope="col">Token</th><th scope="col" class="number">Holds</th><th scope="col" class="number">Cost</th><th scope="col" class="number">Worth</th><th scope="col" class="number">Gain</th></tr></thead>
      <tbody>${holdings.map((holding) => html`<tr key=${holding.mint}><th scope="row" title=${holding.mint}>${holding.symbol || short(holding.mint)}</th><td class="number">${amount(holding.amount, holding.decimals)}</td><td class="number">${amount(holding.cost_lamports)}</td><td class="number">${holding.value_lamports === undefined ? "no price" : amount(holding.value_lamports)}</td><td class=${`number ${tone(holding.unrealised_pnl_lamports)}`}>${holding.unrealised_pnl_lamports === undefined ? "–" : gain(holding.unrealised_pnl_lamports, "")}</td></tr>`)}</tbody></table></div>`}
    ${others && html`<p class="hint">It holds more tokens than these ${holdings.length}, which aren’t counted here.</p>`}
    <div class="gauges"><${Gauge} label="Trades in 24 hours" used=${traded} of=${policy.max_daily_trades} words=${`${traded} of ${policy.max_daily_trades}`} />
      <${Gauge} label="Volume in 24 hours" used=${volume} of=${Number(policy.max_daily_volume_lamports)} words=${`${amount(volume)} of ${amount(policy.max_daily_volume_lamports)} SOL`} /></div>
    <div class="wallet-foot"><p class="hint">Address <code title=${wallet.address}>${short(wallet.address)}</code> · read <${Time} at=${portfolio.read_time} ago /></p><${WalletHalt} agent=${agent} wallet=${wallet} reload=${reload} /></div>`;
}

function WalletHalt({ agent, wallet, reload }) {
  const may = useStore(session)?.kind === "operator";
  const isHalted = Boolean(wallet.halt);
  const turn = useAction(async () => {
    await change("POST", `trading/${path(agent.id)}/${isHalted ? "resume" : "halt"}`);
    await reload();
  });
  if (wallet.halt?.is_for_all) return html`<p class="tag">halted, as all are</p>`;
  return html`<${Button} kind="small" isBusy=${turn.isBusy} onClick=${turn.run} disabled=${!may}>${isHalted ? "Resume" : "Halt"} this wallet<//><${Fault} error=${turn.error} />`;
}

/** What a character may post in a time, and what of that it has posted. */
export function QuotaOf({ agent, isShort = false }) {
  const root = `accounts/${path(agent.id)}`;
  const found = useLoaded(async (signal) => {
    const [capabilities, { posts }] = await Promise.all([get(`${root}/capabilities`, { signal }), get(`${root}/posts?limit=500`, { signal })]);
    return { ...capabilities, posts };
  }, agent.id, EVERY_SECONDS);
  return html`<${Loaded} of=${found} lines=${1}>${({ post_quota: quota, text_limit: limit, posts }) => {
    const seconds = parseFloat(quota?.window ?? "86400");
    const since = Date.now() - seconds * 1000;
    const sent = posts.filter((post) => post.state !== "POST_STATE_FAILED" && Date.parse(post.create_time) > since);
    const replies = sent.filter((post) => post.in_reply_to_network_post_id);
    const time = seconds === 86_400 ? "24 hours" : `${Math.round(seconds / 60)} minutes`;
    return html`${quota?.max_posts !== undefined ? html`<${Gauge} label=${`Posts in ${time}`} used=${sent.length} of=${quota.max_posts} words=${`${sent.length} of ${quota.max_posts}`} />` : html`<p>${counted(sent.length, "post")} in ${time}${replies.length ? `, ${replies.length} of them ${replies.length === 1 ? "a reply" : "replies"}` : ""}</p>${!isShort && html`<p class="hint">The network has named no limit yet.</p>`}`}
      ${quota?.max_replies !== undefined && html`<${Gauge} label="Replies of them" used=${replies.length} of=${quota.max_replies} words=${`${replies.length} of ${quota.max_replies}`} />`}
      ${limit && !isShort && html`<p class="hint">A post has ${limit.max_weight} characters at most.</p>`}`;
  }}<//>`;
}
