/** One command of the history: what was told to whom and when, and what has become of it. */

import { showPanel } from "../model/arrangement";
import { titleOf } from "../model/commanding";
import { clockSecondMs } from "../model/entities";
import { type StoredEvent, timeOf } from "../model/event";
import { type Command, type CommandState, inWords, percentOf, wordsOf } from "../model/history";
import { inspect } from "../model/inspector";
import { readable, toMs } from "../model/time";
import { timebase } from "../model/timeline";
import { AheadMark } from "./AheadMark";
import { ageText } from "./Reading";

export const STATES: Readonly<Record<CommandState, string>> = {
  sent: "sent",
  written: "written",
  running: "running",
  success: "success",
  failure: "failure",
};

export function CommandRow({ command, isFull = false }: { command: Command; isFull?: boolean }) {
  const first = (command.request ?? command.progress ?? command.result) as StoredEvent;
  const time = timeOf(first, timebase.value);
  return (
    <li class="command-row" data-testid="command" data-command-id={command.commandId} data-state={command.state}>
      <div class="command-line">
        <button
          type="button"
          class="link-button command-title"
          title={`Look at the request, and put the clock to ${readable(time)} UTC`}
          data-testid="command-open"
          onClick={() => look(first)}
        >
          {titleOf(command)}
        </button>
        {isFull && <strong class="command-to">{command.targetId}</strong>}
        <AheadMark event={first} />
        <span class="spacer" />
        <time class="age" title={`${readable(time)} UTC`}>
          {ageText(clockSecondMs.value - Math.floor(toMs(time) / 1000) * 1000)}
        </time>
        <Outcome command={command} />
      </div>
      <Payload of={(command.request?.["payload"] ?? {}) as object} />
      <Told command={command} />
      {command.request === undefined && <p class="command-words">Its request is not in this archive.</p>}
    </li>
  );
}

/** The arguments of a command. */
export function Payload({ of }: { of: object }) {
  const words = inWords(of);
  return words === "" ? null : <p class="command-payload muted">{words}</p>;
}

/** How a command goes: a bar while it runs, and what was said of it last. */
export function Told({ command }: { command: Command }) {
  const words = command.state === "written" ? "" : wordsOf(command);
  return (
    <>
      {command.state === "running" && <Bar percent={percentOf(command)} name={titleOf(command)} />}
      {words !== "" && (
        <p class={`command-words ${command.state}`} data-testid="command-words">
          {words}
        </p>
      )}
    </>
  );
}

/** The state; where an event tells it, the way to that event. */
export function Outcome({ command }: { command: Command }) {
  const { state } = command;
  const event = command.result ?? command.progress;
  const words = state === "running" ? `${Math.round(percentOf(command))} %` : STATES[state];
  if (event === undefined) {
    return (
      <span class={`outcome ${state}`} title="No answer yet: whether it arrived is unknown." data-testid="command-state">
        {words}
      </span>
    );
  }
  return (
    <button
      type="button"
      class={`outcome ${state}`}
      title={`${state === "written" ? "Written to the device, not confirmed. " : ""}Look at this answer, of ${readable(timeOf(event, timebase.value))} UTC`}
      data-testid="command-state"
      onClick={() => look(event)}
    >
      {words}
    </button>
  );
}

function Bar({ percent, name }: { percent: number; name: string }) {
  return <progress class="command-bar" max={100} value={percent} aria-label={`Progress of ${name}`} data-testid="command-bar" />;
}

function look(event: StoredEvent): void {
  inspect(event);
  showPanel("inspector");
}
