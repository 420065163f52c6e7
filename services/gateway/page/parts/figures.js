// Pictures of figures, drawn here: each says in words what it shows, and has its figures as a table.
import { html, useState } from "../ui.js";
import { hueOf } from "./avatar.js";
import { hours, moment } from "./time.js";
import { counted, gain as signed, shortened, signs, tone as toneOf } from "./words.js";

const LEAST_SPAN = 0.3;

/** Returns where times and values lie in a picture of this size: `x(time)`, `y(value)`, `line(places)` of `[time, value]`. */
function plane(from, until, low, high, width = 640, height = 210) {
  const x = (time) => 8 + ((new Date(time) - new Date(from)) / Math.max(1, new Date(until) - new Date(from))) * (width - 16);
  const y = (value) => height - 20 - ((value - low) / (high - low || 1)) * (height - 40);
  const line = (places) => places.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return { x, y, line, width, height };
}

/** Lines over time on their ground: what they say in words, what stands above and below them, and the levels that are ruled. */
function Plot({ on: { y, width, height }, label, above, below, levels, children }) {
  return html`<div class="plot"><span aria-hidden="true">${above}</span><span aria-hidden="true">${below}</span>
    <svg viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${label}>
      ${levels.map((value) => html`<line key=${value} class=${value ? "grid" : "axis"} x1="0" x2=${width} y1=${y(value)} y2=${y(value)} />`)}
      ${children}
    </svg></div>`;
}

/** A place of a line that can be pointed at. */
function Mark({ x, y, point, chosen, choose, children }) {
  return html`<circle class=${`moved ${point === chosen ? "is-chosen" : ""}`} cx=${x} cy=${y} r="4.5" onMouseEnter=${() => choose(point)} onMouseLeave=${() => choose(null)}><title>${children}</title></circle>`;
}

/** The figures of a picture, for whoever doesn't see it, or wants them exactly. */
function AsTable({ label, heads, children }) {
  return html`<details><summary>As a table</summary><div class="table-wrap" tabindex="0" role="region" aria-label=${label}><table><thead><tr>${heads.map((head) => html`<th scope="col" key=${head}>${head}</th>`)}</tr></thead><tbody>${children}</tbody></table></div></details>`;
}

/** How somebody felt lately: valence as a line, without figures. */
export function Sparkline({ id, points, width = 72, height = 26 }) {
  if (points.length < 2) return null;
  const values = points.map((point) => point.mood.valence);
  // Its own range, so that a small change is seen, but no trifle looks like a storm.
  const middle = (Math.min(...values) + Math.max(...values)) / 2;
  const half = Math.max(LEAST_SPAN, Math.max(...values) - Math.min(...values)) / 2;
  const at = scale(values, middle - half, middle + half, width, height, 3);
  return html`<svg class="sparkline" viewBox=${`0 0 ${width} ${height}`} width=${width} height=${height} aria-hidden="true" style=${{ "--hue": hueOf(id) }}>
    <polyline class="line" points=${at.map((point) => point.join()).join(" ")} />
    <circle class="dot" cx=${at.at(-1)[0]} cy=${at.at(-1)[1]} r="2" />
  </svg>`;
}

const CAUSES = { got_reply: "got a reply", trade_loss: "lost in a trade", trade_gain: "gained in a trade" };

function cause(code) {
  return CAUSES[code] ?? code.replaceAll("_", " ");
}

/** How somebody felt: three lines over time, with what moved them. */
export function MoodChart({ id, history, name }) {
  const { points, usual } = history;
  const [chosen, choose] = useState(null);
  if (points.length < 2) return html`<p class="hint">There is no curve yet: a mood needs a little time.</p>`;
  const on = plane(points[0].time, points.at(-1).time, -1, 1);
  const line = (name) => on.line(points.map((point) => [point.time, point.mood[name]]));
  const moved = points.filter((point) => point.causes.length);
  const last = points.at(-1).mood;
  const shown = chosen ?? points.at(-1);
  return html`<figure class="chart" style=${{ "--hue": hueOf(id) }}>
    <${Plot} on=${on} above="happy, excited, in control" below="unhappy" levels=${[1, 0, -1]} label=${`How ${name} felt: ${last.label} now, from ${points[0].mood.label}; it was moved ${moved.length} times.`}>
      <line class="usual" x1="0" x2=${on.width} y1=${on.y(usual.valence)} y2=${on.y(usual.valence)} />
      <polyline class="line arousal" points=${line("arousal")} />
      <polyline class="line dominance" points=${line("dominance")} />
      <polyline class="line valence" points=${line("valence")} />
      ${moved.map((point) => html`<${Mark} key=${point.time} x=${on.x(point.time)} y=${on.y(point.mood.valence)} point=${point} chosen=${chosen} choose=${choose}>${hours(point.time)}: ${point.causes.map(cause).join(", ")} (${point.mood.label})<//>`)}
    <//>
    <figcaption>
      <ul class="legend"><li class="valence">valence, unhappy to happy</li><li class="arousal">arousal, calm to excited</li><li class="dominance">dominance</li><li class="usual">where it goes back to</li></ul>
      <p class="hint">${hours(shown.time)}: <b>${shown.mood.label}</b>${shown.causes.length ? html`, ${shown.causes.map(cause).join(", ")}` : ""}</p>
      <${AsTable} label="Moods" heads=${["When", "Mood", "Valence", "Arousal", "Dominance", "Moved by"]}>${points.filter((point, index) => point.causes.length || index === points.length - 1).map((point) => html`<tr key=${point.time}><td>${hours(point.time)}</td><td>${point.mood.label}</td>${["valence", "arousal", "dominance"].map((field) => html`<td class="number" key=${field}>${point.mood[field].toFixed(2)}</td>`)}<td>${point.causes.map(cause).join(", ") || "–"}</td></tr>`)}<//>
    </figcaption>
  </figure>`;
}

const MAX_MARKS = 60;

/** What sales have added up to since a time: a line that steps with each of them. Without an id it is in nobody's hue. */
export function GainChart({ id, name, first, sales, from, until }) {
  const [chosen, choose] = useState(null);
  if (!sales.length && !first) return html`<p class="hint">It has sold nothing yet that it had bought.</p>`;
  const sums = sales.map((sale) => sale.sum);
  const [low, high, last] = [Math.min(0, first, ...sums), Math.max(0, first, ...sums), sums.at(-1) ?? first];
  const on = plane(from, until, low, high);
  const steps = sales.flatMap((sale, index) => [[sale.time, sums[index - 1] ?? first], [sale.time, sale.sum]]);
  const shown = chosen ?? sales.at(-1);
  return html`<figure class="chart" style=${id ? { "--hue": hueOf(id) } : {}}>
    <${Plot} on=${on} above=${signed(high)} below=${signed(low)} levels=${[...new Set([high, 0, low])]} label=${`What ${name} realised: ${signed(last)} now, from ${signed(first)}, by ${counted(sales.length, "sale")}; at best ${signed(high)}, at worst ${signed(low)}.`}>
      <polyline class="line sum" points=${on.line([[from, first], ...steps, [until, last]])} />
      ${sales.length <= MAX_MARKS && sales.map((sale) => html`<${Mark} key=${sale.id} x=${on.x(sale.time)} y=${on.y(sale.sum)} point=${sale} chosen=${chosen} choose=${choose}>${moment(sale.time)}: ${signed(sale.gain)}<//>`)}
    <//>
    <figcaption>
      <p class="hint">${shown ? html`${moment(shown.time)}: <b class=${toneOf(shown.gain)}>${signed(shown.gain)}</b>, ${signed(shown.sum)} in all` : "Nothing was sold since."}</p>
      ${sales.length > 0 && html`<${AsTable} label=${`Sales of ${name}`} heads=${["When", "Gain in SOL", "In all"]}>${sales.toReversed().map((sale) => html`<tr key=${sale.id}><td>${moment(sale.time)}</td><td class=${`number ${toneOf(sale.gain)}`}>${signed(sale.gain, "")}</td><td class="number">${signed(sale.sum, "")}</td></tr>`)}<//>`}
    </figcaption>
  </figure>`;
}

const FLATTENED = 0.85;

/** Whom somebody knows: the nearer, the more familiar; the hue says how fond it is, the thickness how it trusts. */
export function RelationshipsChart({ id, name, relationships, nameOf }) {
  const [width, height] = [420, 350];
  const [middle, centre] = [width / 2, height / 2];
  const known = relationships.slice(0, 24);
  const placed = known.map((it, index) => {
    const angle = (index / known.length) * 2 * Math.PI - Math.PI / 2;
    const away = 160 - it.familiarity * 95;
    return { it, x: middle + Math.cos(angle) * away, y: centre + Math.sin(angle) * away * FLATTENED, label: nameOf(it.counterpart) };
  });
  return html`<svg class="radial" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${`${name} knows ${relationships.length}: ${known.map((it) => `${nameOf(it.counterpart)}, ${feeling(it.sentiment)}`).join("; ")}`}>
    ${[65, 112, 160].map((r) => html`<ellipse class="ring" key=${r} cx=${middle} cy=${centre} rx=${r} ry=${r * FLATTENED} />`)}
    ${placed.map(({ it, x, y }) => html`<line key=${it.counterpart} class=${`tie ${tone(it.sentiment)}`} x1=${middle} y1=${centre} x2=${x} y2=${y} stroke-width=${1 + Math.max(0, it.trust) * 4} stroke-dasharray=${it.trust < 0 ? "4 5" : undefined} />`)}
    ${placed.map(({ it, x, y, label }) => html`<g key=${it.counterpart}>
      <circle class=${`who ${tone(it.sentiment)}`} cx=${x} cy=${y} r="15" style=${{ "--hue": hueOf(it.counterpart) }} />
      <text class="who-initial" x=${x} y=${y + 5} text-anchor="middle">${signs(label)[0]?.toUpperCase()}</text>
      <text class="who-name" x=${x} y=${y + (y < centre - 4 ? -22 : 31)} text-anchor="middle">${shortened(label, 18)}</text></g>`)}
    <circle class="self" cx=${middle} cy=${centre} r="22" style=${{ "--hue": hueOf(id) }} />
    <text class="who-initial" x=${middle} y=${centre + 6} text-anchor="middle">${signs(name)[0]}</text>
  </svg>`;
}

function tone(sentiment) {
  return sentiment > 0.15 ? "fond" : sentiment < -0.15 ? "cold" : "even";
}

/** Returns how somebody feels about somebody, in words. */
export function feeling(sentiment) {
  if (sentiment >= 0.7) return "loves";
  if (sentiment >= 0.3) return "likes";
  if (sentiment > -0.3) return "has no strong feelings";
  return sentiment > -0.7 ? "dislikes" : "can’t stand";
}

/** Posts by the hour of the day, as bars. */
export function HoursChart({ id, times, name }) {
  const counts = Array(24).fill(0);
  for (const time of times) counts[new Date(time).getHours()] += 1;
  const most = Math.max(1, ...counts);
  const busiest = counts.indexOf(most);
  return html`<figure class="chart" style=${{ "--hue": hueOf(id) }}>
    <svg viewBox="0 0 480 110" role="img" aria-label=${times.length ? `Posts of ${name} by hour: most at ${busiest} o’clock, ${most}.` : `${name} hasn’t posted yet.`}>
      ${counts.map((count, hour) => html`<rect key=${hour} class=${count ? "bar" : "bar none"} x=${hour * 20 + 3} width="14" y=${86 - Math.max(2, (count / most) * 76)} height=${Math.max(2, (count / most) * 76)} rx="2"><title>${hour}:00: ${count}</title></rect>`)}
      ${[0, 6, 12, 18].map((hour) => html`<text key=${hour} class="tick" x=${hour * 20 + 10} y="104" text-anchor="middle">${hour}:00</text>`)}
    </svg>
    <figcaption class="hint">By your clock, of the last ${times.length} that are kept.<${AsTable} label="Posts by hour" heads=${["Hour", "Posts"]}>${counts.map((count, hour) => count > 0 && html`<tr key=${hour}><td>${hour}:00</td><td class="number">${count}</td></tr>`)}<//></figcaption>
  </figure>`;
}

/** A part of something, as a bar with its figures. */
export function Gauge({ label, used, of, words }) {
  const share = of > 0 ? Math.min(1, used / of) : 0;
  return html`<div class="gauge"><p><span>${label}</span> <span class="number">${words}</span></p>
    <div class=${`gauge-bar ${share > 0.8 ? "high" : ""}`} role="meter" aria-label=${label} aria-valuemin="0" aria-valuemax=${of} aria-valuenow=${used} aria-valuetext=${words}><i style=${{ width: `${share * 100}%` }}></i></div></div>`;
}

function scale(values, low, high, width, height, margin) {
  return values.map((value, index) => [
    +(margin + (index / (values.length - 1)) * (width - 2 * margin)).toFixed(1),
    +(height - margin - ((value - low) / (high - low)) * (height - 2 * margin)).toFixed(1),
  ]);
}
