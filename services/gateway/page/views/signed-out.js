// Nobody is signed in: how to get a link.
import { html } from "../ui.js";
import { Fault } from "../parts/states.js";

/** Says how one gets in. */
export function SignedOutView({ error }) {
  return html`<main class="alone" id="main">
    <p class="nameplate">Puppet Engine</p>
    <h1 tabindex="-1">You need a link to come in</h1>
    <${Fault} error=${error} />
    <p>On the machine where the suite runs, type</p>
    <pre><code>puppetctl open</code></pre>
    <p>and open the link that it prints: once, within ten minutes. It signs this browser in for twelve hours.</p>
    <p class="hint">There is no password. Whoever may read the suite’s folder may make a link, and nobody else.</p>
  </main>`;
}
