// The halt: one button for everything that could cost money, which asks once more.
import { change, path, session } from "../api.js";
import { agents, readAgents, readStatus, status } from "../suite.js";
import { html, useState, useStore } from "../ui.js";
import { Button, useAction } from "./action.js";
import { Dialog } from "./dialog.js";
import { Icon } from "./icons.js";
import { Fault } from "./states.js";

/** The button, and its question. */
export function Halt() {
  const [isAsking, setAsking] = useState(false);
  const may = useStore(session)?.kind === "operator";
  const isHalted = useStore(status).data?.trading?.is_halted_for_all;
  return html`<button class="button halt" onClick=${() => setAsking(true)} disabled=${!may} title=${may ? "" : "Only the operator may halt"}>
      <${Icon} name="halt" size=${18} /><span>${isHalted ? "Halted" : "Halt"}</span></button>
    ${isAsking && html`<${Question} isHalted=${isHalted} close=${() => setAsking(false)} />`}`;
}

function Question({ isHalted, close }) {
  const [reason, setReason] = useState("");
  const [isForAll, setForAll] = useState(false);
  const awake = (useStore(agents).list ?? []).filter((agent) => agent.is_active);
  const halt = useAction(async () => {
    await change("POST", "trading/halt", { reason });
    // All of them are tried, whatever becomes of one.
    const left = isForAll ? await Promise.allSettled(awake.map((agent) => change("POST", `agents/${path(agent.id)}/stop`))) : [];
    await Promise.all([readStatus(), readAgents()]);
    const failed = left.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
    close();
  });
  return html`<${Dialog} title=${isHalted ? "Trading is halted" : "Halt all trading?"} close=${close}>
    <form onSubmit=${(event) => (event.preventDefault(), halt.run())}>
      <p>${isHalted ? "Nothing is signed. You may stop the characters as well." : "Nothing is signed any more, in any wallet, until you resume. What is on its way to the chain is still followed."}</p>
      <label class="field"><span>Why, for whoever looks later</span><input name="reason" maxlength="500" value=${reason} onInput=${(event) => setReason(event.target.value)} /></label>
      <label class="check"><input type="checkbox" checked=${isForAll} onChange=${(event) => setForAll(event.target.checked)} /><span>Stop all characters, too: they write nothing until you start them</span></label>
      <${Fault} error=${halt.error} />
      <div class="buttons">
        <${Button} kind="danger" type="submit" isBusy=${halt.isBusy}>Halt now<//>
        <button type="button" class="button" onClick=${close}>Leave it running</button>
      </div>
    </form>
  <//>`;
}

/** Says that trading is halted, for as long as it is. */
export function HaltedNote() {
  const trading = useStore(status).data?.trading;
  const may = useStore(session)?.kind === "operator";
  const resume = useAction(async () => {
    await change("POST", "trading/resume");
    await readStatus();
  });
  if (!trading?.is_halted_for_all) return null;
  return html`<div class="note halted" role="status">
    <p><strong>Trading is halted.</strong> Nothing is signed, in any wallet, until it is resumed.</p>
    ${may && html`<${Button} kind="small" isBusy=${resume.isBusy} onClick=${resume.run}>Resume trading<//>`}
    <${Fault} error=${resume.error} />
  </div>`;
}
