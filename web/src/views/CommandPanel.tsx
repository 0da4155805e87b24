/** The command panel: send, stack and history. */

import { state } from "../model/clock/clock";
import { commandRefusal, commandTab, type CommandTab } from "../model/commands/command_panel";
import { stack } from "../model/commands/command_stack";
import { connection } from "../model/session/session";
import { goToPresent } from "../model/timeline/timeline_sync";
import { CommandActions } from "./CommandActions";
import { CommandHistory } from "./CommandHistory";
import { CommandStack } from "./CommandStack";
import { Pane } from "./Pane";
import "../commands.css";

const PARTS: readonly [CommandTab, string][] = [
  ["send", "Send"],
  ["stack", "Stack"],
  ["history", "History"],
];

export function CommandPanel() {
  return (
    <Pane id="commands" tools={<Parts />}>
      <Refusal />
      {commandTab.value === "send" && <CommandActions />}
      {commandTab.value === "stack" && <CommandStack />}
      {commandTab.value === "history" && <CommandHistory />}
    </Pane>
  );
}

function Parts() {
  return (
    <div class="parts" role="group" aria-label="Parts of the commands">
      {PARTS.map(([name, words]) => (
        <button
          key={name}
          type="button"
          aria-pressed={commandTab.value === name}
          data-testid={`commands-${name}`}
          onClick={() => (commandTab.value = name)}
        >
          {words}
          {name === "stack" && stack.value.length > 0 && <span class="count-of"> {stack.value.length}</span>}
        </button>
      ))}
    </div>
  );
}

/** Why no command can be sent now, with a button to go LIVE if that is the reason. */
function Refusal() {
  if (commandRefusal.value === "") return null;
  const isReplay = connection.value === "open" && state.value !== "LIVE";
  return (
    <p class="card-note refusal" role="status" data-testid="command-refusal">
      {commandRefusal.value}
      {isReplay && (
        <button type="button" onClick={goToPresent}>
          Go LIVE
        </button>
      )}
    </p>
  );
}
