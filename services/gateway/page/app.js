// The page: who is signed in, where one is, and the frame around every view.
import { session, signIn } from "./api.js";
import { html, render, store, useEffect, useStore } from "./ui.js";
import { follow } from "./suite.js";
import { start, stop } from "./stream.js";
import { Frame } from "./frame.js";
import { shortcuts } from "./keys.js";
import { Fault, Skeleton } from "./parts/states.js";
import { CharacterView } from "./views/character.js";
import { CharactersView } from "./views/characters.js";
import { FeedView } from "./views/feed.js";
import { InboxView } from "./views/inbox.js";
import { MoneyView } from "./views/money.js";
import { SignedOutView } from "./views/signed-out.js";
import { TradesView } from "./views/trades.js";

const VIEWS = {
  feed: ["Feed", FeedView],
  inbox: ["Inbox", InboxView],
  characters: ["Characters", CharactersView],
  trades: ["Trades", TradesView],
  money: ["Budgets", MoneyView],
};

/** Where one is, as the parts of the fragment: `#/characters/odd/memories`. */
const place = store(placeNow());
const fault = store(null);
const AGAIN_MS = 3_000;

function placeNow() {
  const parts = location.hash.startsWith("#/") ? location.hash.slice(2).split("/").map(decoded) : [];
  return parts[0] in VIEWS ? parts : ["feed"];
}

/** What is escaped wrongly, as in a link that was cut, stands as it is. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

window.addEventListener("hashchange", () => {
  const link = linkIn(location.hash);
  if (link) return enter(link);
  const before = place.get();
  place.set(placeNow());
  if (before.slice(0, 2).join() !== place.get().slice(0, 2).join()) {
    window.scrollTo(0, 0);
    // Whoever reads with a screen reader is told of the new view by its heading.
    requestAnimationFrame(() => document.querySelector("main h1")?.focus({ preventScroll: true }));
  }
});

function linkIn(hash) {
  return new URLSearchParams(hash.slice(1)).get("link");
}

/** Signs in; the link leaves the address at once, so that it is in no history, for where one was before it. */
async function enter(link) {
  fault.set(null);
  if (link) history.replaceState(null, "", `${location.pathname}#/${place.get().map(encodeURIComponent).join("/")}`);
  try {
    await signIn(link);
  } catch (error) {
    fault.set(error);
    // A link opens the page once; who is signed in already can be asked for again.
    if (!link && (error.status === 0 || error.status >= 500)) setTimeout(enter, AGAIN_MS);
  }
}

function App() {
  const who = useStore(session);
  const parts = useStore(place);
  const error = useStore(fault);
  const isIn = Boolean(who);
  useEffect(() => {
    if (!isIn) return undefined;
    const end = follow();
    start();
    return () => {
      end();
      stop();
    };
  }, [isIn]);
  const [title, View] = parts[0] === "characters" && parts[1] ? [parts[1], CharacterView] : VIEWS[parts[0]];
  useEffect(() => {
    document.title = who ? `${title} · Puppet Engine` : "Puppet Engine";
  }, [title, isIn]);
  if (who === undefined && error) return html`<main class="alone"><${Fault} error=${error} retry=${() => enter()} /></main>`;
  if (who === undefined) return html`<main class="alone"><${Skeleton} lines=${4} /></main>`;
  if (who === null) return html`<${SignedOutView} error=${error} />`;
  return html`<${Frame} parts=${parts}><${View} key=${parts[0] + (parts[1] ?? "")} parts=${parts} /><//>`;
}

shortcuts();
render(html`<${App} />`, document.querySelector("#app"));
enter(linkIn(location.hash));
