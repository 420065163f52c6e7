// Starts a character, or stops it.
import { change, path, session } from "../api.js";
import { agents } from "../suite.js";
import { html, useStore } from "../ui.js";
import { Button, useAction } from "./action.js";
import { Fault } from "./states.js";

/** The button that lets a character rest, or wakes it up. */
export function Switch({ agent, kind = "" }) {
  const may = useStore(session)?.may_write;
  const verb = agent.is_active ? "stop" : "start";
  const turn = useAction(async () => {
    const after = await change("POST", `agents/${path(agent.id)}/${verb}`);
    agents.set((was) => ({ ...was, list: was.list?.map((it) => (it.id === after.id ? after : it)) }));
  });
  return html`<${Button} kind=${kind} isBusy=${turn.isBusy} onClick=${turn.run} disabled=${!may} aria-label=${`${agent.is_active ? "Stop" : "Start"} ${agent.name}`}>${agent.is_active ? "Stop" : "Start"}<//><${Fault} error=${turn.error} />`;
}
