// What stands around every view: the nameplate, how the suite is, where one can go, and the halt button.
import { session, signOut } from "./api.js";
import { drafts, readStatus, status } from "./suite.js";
import { connection } from "./stream.js";
import { html, useEffect, useState, useStore } from "./ui.js";
import { Button, useAction } from "./parts/action.js";
import { Halt, HaltedNote } from "./parts/halt.js";
import { Icon } from "./parts/icons.js";
import { Fault } from "./parts/states.js";
import { Time } from "./parts/time.js";
import { forget } from "./parts/typed.js";

const PLACES = [
  ["feed", "Feed"],
  ["inbox", "Inbox"],
  ["characters", "Characters"],
  ["trades", "Trades"],
  ["money", "Budgets"],
];

/** The frame with a view in it. */
export function Frame({ parts, children }) {
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="masthead">
      <div class="masthead-row">
        <a class="nameplate" href="#/feed">Puppet Engine</a>
        <${State} />
        <${Places} here=${parts[0]} />
        <div class="masthead-tools"><${Theme} /><${Halt} /></div>
      </div>
    </header>
    <${Notes} />
    <main id="main" tabindex="-1">${children}</main>
    <${Foot} />`;
}

function skip(event) {
  event.preventDefault();
  document.querySelector("#main").focus();
}

function Places({ here }) {
  const waiting = useStore(drafts).list?.length ?? 0;
  return html`<nav class="places" aria-label="Views"><ul>
    ${PLACES.map(([name, words]) => html`<li key=${name}><a href=${`#/${name}`} aria-current=${here === name ? "page" : undefined}>
      <${Icon} name=${name} /><span>${words}</span>${name === "inbox" && waiting > 0 && html`<b class="badge">${waiting}<span class="unseen"> waiting</span></b>`}
    </a></li>`)}
  </ul></nav>`;
}

/** How the suite is, in a word: the worst of what is known. */
function State() {
  const { data, error } = useStore(status);
  const link = useStore(connection);
  const down = downIn(data);
  const [kind, words] =
    error?.code === "UNREACHABLE" ? ["bad", "Unreachable"]
    : down.length ? ["bad", `${down.join(", ")} down`]
    : link === "live" && data ? ["good", "Live"]
    : link === "lost" ? ["odd", "Reconnecting"]
    : ["odd", "Connecting"];
  return html`<p class=${`state ${kind}`} role="status" title=${data ? `Version ${data.system.version}` : ""}><i aria-hidden="true"></i><span>${words}</span></p>`;
}

function downIn(data) {
  return Object.entries(data?.components ?? {}).filter(([, state]) => state !== "healthy").map(([name]) => name);
}

/** What everybody should know before they read on. */
function Notes() {
  const { data, error } = useStore(status);
  const down = downIn(data);
  if (error?.code === "UNREACHABLE") return html`<div class="note bad" role="alert"><p><strong>The gateway doesn’t answer.</strong> What you see is from before. Is the suite still running?</p><button class="button small" onClick=${readStatus}>Try again</button></div>`;
  return html`
    ${down.length > 0 && html`<div class="note bad" role="alert"><p><strong>Degraded: ${down.join(", ")} ${down.length === 1 ? "doesn’t" : "don’t"} answer.</strong> The suite restarts what it runs; everything else goes on.</p></div>`}
    <${HaltedNote} />`;
}

const SYSTEM = matchMedia("(prefers-color-scheme: dark)");
const THEMES = { light: "dark", dark: "light" };

/** Changes from light to dark and back; without a choice it follows the system. */
function Theme() {
  const [, redraw] = useState(0);
  const root = document.documentElement;
  const current = root.dataset.theme ?? (SYSTEM.matches ? "dark" : "light");
  useEffect(() => {
    const follow = () => redraw((count) => count + 1);
    SYSTEM.addEventListener("change", follow);
    return () => SYSTEM.removeEventListener("change", follow);
  }, []);
  const turn = () => {
    root.dataset.theme = THEMES[current];
    try {
      localStorage.setItem("theme", THEMES[current]);
    } catch {
      // It holds until the page is left, then.
    }
    redraw((count) => count + 1);
  };
  return html`<button class="button bare" onClick=${turn} aria-label=${`Make it ${THEMES[current]}`} title=${`Make it ${THEMES[current]}`}><${Icon} name=${current === "dark" ? "sun" : "moon"} /></button>`;
}

/** Who is signed in, and the way out. */
function Foot() {
  const who = useStore(session);
  const version = useStore(status).data?.system.version;
  const leave = useAction(async () => {
    await signOut();
    forget();
  });
  return html`<footer class="foot"><p>Signed in as <b>${who.principal}</b>; that ends <${Time} at=${who.expires_at} /><${Button} kind="bare small" isBusy=${leave.isBusy} onClick=${leave.run}>Sign out<//></p>
    <p><a href="docs.html">The same as an API</a>${version && ` · version ${version}`}</p><${Fault} error=${leave.error} /></footer>`;
}
