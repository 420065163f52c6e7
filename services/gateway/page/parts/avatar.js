// Who is who, at a glance: a hue and a phase of the moon that follow from the id alone, with the initials.
import { html } from "../ui.js";
import { signs } from "./words.js";

const HUES = [80, 145, 200, 38, 350, 172, 275, 112, 310, 15, 245, 60];

/** Returns the hue of an id, in degrees of OKLCH: the same on every machine, for good. */
export function hueOf(id) {
  return HUES[(hash(id) >>> 5) % HUES.length];
}

/** A picture of somebody; it says nothing to a screen reader, for the name stands beside it. */
export function Avatar({ id, name, size = 44 }) {
  const seed = hash(id);
  const angle = ((seed >>> 8) % 360) * (Math.PI / 180);
  const [x, y] = [24 + Math.cos(angle) * 17, 24 + Math.sin(angle) * 17];
  return html`<svg class="avatar" viewBox="0 0 48 48" width=${size} height=${size} aria-hidden="true" style=${{ "--hue": hueOf(id) }}>
    <defs><clipPath id=${`clip-${seed}`}><circle cx="24" cy="24" r="24" /></clipPath></defs>
    <g clip-path=${`url(#clip-${seed})`}>
      <rect class="avatar-ground" width="48" height="48" />
      <circle class="avatar-shade" cx=${x} cy=${y} r="22" />
    </g>
    <text class="avatar-initials" x="24" y="24" text-anchor="middle" dominant-baseline="central">${initials(name || id)}</text>
  </svg>`;
}

function initials(name) {
  const words = name.split(/[\s_-]+/).filter(Boolean);
  const [first, second] = words.length > 1 ? [signs(words[0])[0], signs(words.at(-1))[0]] : signs(words[0] ?? "?");
  return first.toUpperCase() + (second ?? "");
}

/** FNV-1a, 32 bits. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
