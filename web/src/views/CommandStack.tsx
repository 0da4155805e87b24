/** The stack: prepared commands, sent one by one by their buttons, or in order by “Send next”. */

import { reasonInvalid } from "../model/commands/command_catalog";
import { commandTitle } from "../model/commands/command_panel";
import {
  attemptOf,
  clearSent,
  commandOf,
  editStacked,
  exportStack,
  importStack,
  isSent,
  isWaitingForResults,
  moveStacked,
  nextStacked,
  reasonNextNotSendable,
  reasonStackedNotSendable,
  removeStacked,
  sendStacked,
  stack,
  type StackedCommand,
  stackError,
} from "../model/commands/command_stack";
import { entityName } from "../model/entities/entity_names";
import { saveText } from "../model/page/clipboard";
import { CommandArguments, CommandOutcome, CommandProgress } from "./CommandRow";
import { Empty } from "./Pane";

export function CommandStack() {
  const all = stack.value;
  return (
    <>
      <Tools />
      {stackError.value !== "" && (
        <p class="pane-trouble" role="alert" data-testid="stack-trouble">
          {stackError.value}{" "}
          <button type="button" onClick={() => (stackError.value = "")}>
            Close
          </button>
        </p>
      )}
      {all.length === 0 ? (
        <Empty testid="stack-empty">
          The stack is empty. Add a command from its form, or import a stack from a file.
        </Empty>
      ) : (
        <ol class="scroll stack" tabIndex={0} aria-label="Prepared commands" data-testid="stack">
          {all.map((one, index) => (
            <OneStacked key={one.id} one={one} index={index} />
          ))}
        </ol>
      )}
    </>
  );
}

function Tools() {
  const reason = reasonNextNotSendable.value;
  const one = nextStacked.value;
  return (
    <div class="filters stack-tools">
      <button
        type="button"
        class="primary"
        aria-disabled={reason !== ""}
        aria-describedby="stack-reason"
        data-testid="stack-next"
        onClick={() => one !== undefined && sendStacked(one)}
      >
        Send next
      </button>
      <label class="check">
        <input
          type="checkbox"
          checked={isWaitingForResults.value}
          data-testid="stack-patient"
          onChange={(event) => (isWaitingForResults.value = event.currentTarget.checked)}
        />
        wait for each result
      </label>
      <span class="spacer" />
      <button type="button" disabled={!stack.value.some(isSent)} data-testid="stack-clear" onClick={clearSent}>
        Clear sent
      </button>
      <button
        type="button"
        disabled={stack.value.length === 0}
        data-testid="stack-export"
        onClick={() => saveText("nova-commands.json", exportStack())}
      >
        Export
      </button>
      <button type="button" data-testid="stack-import" onClick={pick}>
        Import…
      </button>
      <span class="muted why" id="stack-reason" role="status" data-testid="stack-reason">
        {stack.value.length === 0 ? "" : reason}
      </span>
    </div>
  );
}

function OneStacked({ one, index }: { one: StackedCommand; index: number }) {
  const name = `${commandTitle(one)} to ${entityName(one)}`;
  const wrong = isSent(one) ? "" : reasonInvalid(one);
  const now = attemptOf(one);
  const command = commandOf(one);
  return (
    <li class="stacked" data-testid="stacked" data-command={one.commandType} data-sent={isSent(one)}>
      <div class="command-line">
        <span class="command-title">{commandTitle(one)}</span>
        <strong class="command-to">{entityName(one)}</strong>
        <span class="spacer" />
        <Act one={one} name={name} />
      </div>
      <CommandArguments of={one.payload} />
      {command !== undefined && <CommandProgress command={command} />}
      {wrong !== "" && <p class="form-problem">{wrong}</p>}
      {now?.phase === "refused" && <p class="form-problem">Refused, not recorded: {now.message}</p>}
      {now?.phase === "lost" && (
        <p class="form-problem">No answer came ({now.message}): the command may or may not have been sent. A retry sends it at most once.</p>
      )}
      <div class="stacked-tools" role="group" aria-label={`Position of ${name}`}>
        <button type="button" class="icon" disabled={index === 0} aria-label={`Move ${name} up`} onClick={() => moveStacked(one.id, -1)}>
          ↑
        </button>
        <button
          type="button"
          class="icon"
          disabled={index === stack.value.length - 1}
          aria-label={`Move ${name} down`}
          data-testid="stacked-down"
          onClick={() => moveStacked(one.id, 1)}
        >
          ↓
        </button>
        {!isSent(one) && (
          <button type="button" class="icon" aria-label={`Edit ${name}`} data-testid="stacked-edit" onClick={() => editStacked(one)}>
            Edit
          </button>
        )}
        <button type="button" class="icon" aria-label={`Remove ${name}`} data-testid="stacked-remove" onClick={() => removeStacked(one.id)}>
          Remove
        </button>
      </div>
    </li>
  );
}

/** The outcome of a sent command, else the button that sends it. */
function Act({ one, name }: { one: StackedCommand; name: string }) {
  const command = commandOf(one);
  if (command !== undefined) return <CommandOutcome command={command} />;
  if (isSent(one)) return <span class="outcome sent">sent</span>;
  const reason = reasonStackedNotSendable(one);
  const phase = attemptOf(one)?.phase;
  return (
    <button
      type="button"
      aria-disabled={reason !== ""}
      aria-label={`Send ${name}${reason === "" ? "" : `: ${reason}`}`}
      title={reason || undefined}
      data-testid="stacked-send"
      onClick={() => sendStacked(one)}
    >
      {phase === "lost" ? "Retry" : phase === "sending" ? "Sending…" : "Send"}
    </button>
  );
}

function pick(): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "application/json,.json";
  input.onchange = () => {
    void input.files?.[0]?.text().then(importStack);
  };
  input.click();
}
