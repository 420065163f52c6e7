// The few pictures that stand beside words, drawn here so that nothing is fetched.
import { html } from "../ui.js";

const PATHS = {
  feed: "M4 5h16M4 10h16M4 15h10M4 20h7",
  inbox: "M4 13l2.5-8h11L20 13v6H4zM4 13h5l1.2 2.5h3.6L15 13h5",
  characters: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.2.8 3.4 2.6 3.6 5.5",
  trades: "M7 4v14m0 0-3-3m3 3 3-3M17 20V6m0 0-3 3m3-3 3 3",
  money: "M5 4h11l3 3v13H5zM9 9h6M9 13h6M9 17h3",
  halt: "M8.5 3h7L21 8.5v7L15.5 21h-7L3 15.5v-7zM9 9v6M15 9v6",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3 19 19M19 5l-1.7 1.7M6.7 17.3 5 19",
  moon: "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20.5 20.5",
  back: "M14.5 5 8 12l6.5 7",
  up: "M12 19V5m0 0-6 6m6-6 6 6",
};

/** A picture of a thing; the words beside it name it. */
export function Icon({ name, size = 20 }) {
  return html`<svg class="icon" viewBox="0 0 24 24" width=${size} height=${size} aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
