/** One command of the history: target, time, arguments and outcome. */

import { timebase } from "../model/clock/clock";
import {
  type CommandRecord,
  type CommandState,
  commandText,
  membersText,
  percentOf,
} from "../model/commands/command_history";
import { commandTitle } from "../model/commands/command_panel";
import { clockSecondMs } from "../model/entities/entities";
import { inspectEvent } from "../model/events/inspector";
import { showPanel } from "../model/layout/layout_store";
import { eventTime, type StoredEvent } from "../model/values/event";
import { formatTime, shortAge, toMs } from "../model/values/time";
import { AheadMark } from "./AheadMark";

export const STATES: Readonly<Record<CommandState, string>> = {
  sent: "sent",
  written: "written",
  running: "running",
  success: "success",
  failure: "failure",
};

export function CommandRow({ command, isFull = false }: { command: CommandRecord; isFull?: boolean }) {
  const first = (command.request ?? command.progress ?? command.result) as StoredEvent;
  const time = eventTime(first, timebase.value);
  return (
    <li class="command-row" data-testid="command" data-command-id={command.commandId} data-state={command.state}>
      <div class="command-line">
        <button
          type="button"
          class="link-button command-title"
          title={`Show the request of ${formatTime(time)} UTC`}
          data-testid="command-open"
          onClick={() => showEvent(first)}
        >
          {commandTitle(command)}
        </button>
        {isFull && <strong class="command-to">{command.targetId}</strong>}
        <AheadMark event={first} />
        <span class="spacer" />
        <time class="age" title={`${formatTime(time)} UTC`}>
          {shortAge(clockSecondMs.value - Math.floor(toMs(time) / 1000) * 1000)}
        </time>
        <CommandOutcome command={command} />
      </div>
      <CommandArguments of={(command.request?.["payload"] ?? {}) as object} />
      <CommandProgress command={command} />
      {command.request === undefined && <p class="command-words">The request is not in this archive.</p>}
    </li>
  );
}

/** The arguments of a command. */
export function CommandArguments({ of }: { of: object }) {
  const words = membersText(of);
  return words === "" ? null : <p class="command-payload muted">{words}</p>;
}

/** Progress of a command: a bar while it runs, and its latest text. */
export function CommandProgress({ command }: { command: CommandRecord }) {
  const words = command.state === "written" ? "" : commandText(command);
  return (
    <>
      {command.state === "running" && <Bar percent={percentOf(command)} name={commandTitle(command)} />}
      {words !== "" && (
        <p class={`command-words ${command.state}`} data-testid="command-words">
          {words}
        </p>
      )}
    </>
  );
}

/** The state; a button to the event that reported it, if any. */
export function CommandOutcome({ command }: { command: CommandRecord }) {
  const { state } = command;
  const event = command.result ?? command.progress;
  const words = state === "running" ? `${Math.round(percentOf(command))} %` : STATES[state];
  if (event === undefined) {
    return (
      <span class={`outcome ${state}`} title="No feedback yet: it is unknown whether the command arrived." data-testid="command-state">
        {words}
      </span>
    );
  }
  return (
    <button
      type="button"
      class={`outcome ${state}`}
      title={`${state === "written" ? "Written to the device, not confirmed. " : ""}Show this feedback, ${formatTime(eventTime(event, timebase.value))} UTC`}
      data-testid="command-state"
      onClick={() => showEvent(event)}
    >
      {words}
    </button>
  );
}

function Bar({ percent, name }: { percent: number; name: string }) {
  return <progress class="command-bar" max={100} value={percent} aria-label={`Progress of ${name}`} data-testid="command-bar" />;
}

function showEvent(event: StoredEvent): void {
  inspectEvent(event);
  showPanel("inspector");
}
