/** The command panel: what the chosen entity can be told, the stack, and what became of every command. */

import { part, type Part, refusal } from "../model/commanding";
import { showPresent } from "../model/conductor";
import { connection } from "../model/session";
import { stack } from "../model/stack";
import { state } from "../model/timeline";
import { CommandActions } from "./CommandActions";
import { CommandHistory } from "./CommandHistory";
import { CommandStack } from "./CommandStack";
import { Pane } from "./Pane";
import "../commands.css";

const PARTS: readonly [Part, string][] = [
  ["send", "Send"],
  ["stack", "Stack"],
  ["history", "History"],
];

export function CommandPanel() {
  return (
    <Pane id="commands" tools={<Parts />}>
      <Refusal />
      {part.value === "send" && <CommandActions />}
      {part.value === "stack" && <CommandStack />}
      {part.value === "history" && <CommandHistory />}
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
          aria-pressed={part.value === name}
          data-testid={`commands-${name}`}
          onClick={() => (part.value = name)}
        >
          {words}
          {name === "stack" && stack.value.length > 0 && <span class="count-of"> {stack.value.length}</span>}
        </button>
      ))}
    </div>
  );
}

/** Why nothing can be sent now, and the way out where there is one. */
function Refusal() {
  if (refusal.value === "") return null;
  const isReplay = connection.value === "open" && state.value !== "LIVE";
  return (
    <p class="card-note refusal" role="status" data-testid="command-refusal">
      {refusal.value}
      {isReplay && (
        <button type="button" onClick={showPresent}>
          Go LIVE
        </button>
      )}
    </p>
  );
}
