/** The form of an action: arguments, their errors, and the buttons that send or stack it. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Action } from "../api/protocol";
import type { CatalogEntry, PreparedCommand } from "../model/commands/command_catalog";
import { type FormResult, type FormTexts, parseForm } from "../model/commands/command_form";
import { commandKey, commandsById } from "../model/commands/command_history";
import {
  clearSentCommand,
  commandRefusal,
  focusRequests,
  formTexts,
  sendForm,
  type SentCommand,
  sentCommandOf,
  setFormTexts,
} from "../model/commands/command_panel";
import { editedId, editedOf, pushCommand, replaceEdited } from "../model/commands/command_stack";
import type { Entity } from "../model/values/event";
import { ArgumentField } from "./ArgumentField";
import { CommandOutcome as State, CommandProgress } from "./CommandRow";

/** The argument that holds the whole payload, for actions without a manifest. */
const WHOLE_PAYLOAD = "payload";

export function CommandForm({ entity, ability }: { entity: Entity; ability: CatalogEntry }) {
  const form = useRef<HTMLFormElement>(null);
  const [isTried, setTried] = useState(false);
  const action = formOf(ability);
  const texts = formTexts(entity, action);
  const reading = formResult(ability, action, texts);
  const sent = sentCommandOf(entity, action);
  const { scopeId, systemId, containerId, uniqueId } = entity;
  const { commandType } = action;
  const prepared: PreparedCommand = { scopeId, systemId, containerId, uniqueId, commandType, payload: reading.payload };
  useFocus(form);
  const complete = (then: () => void) => () => {
    setTried(true);
    if (reading.problems.size > 0) focusProblem(form.current, reading);
    else then();
  };
  const send = complete(() => {
    if (reasonNotSendableNow(ability, sent) === "") sendForm(prepared, ability.action);
  });
  return (
    <form
      ref={form}
      class="command-form"
      noValidate
      data-testid="command-form"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {Object.entries(action.arguments ?? {}).map(([name, spec]) => (
        <ArgumentField
          key={name}
          name={name}
          spec={spec}
          text={texts[name] ?? ""}
          problem={isTried || (texts[name] ?? "") !== "" ? (reading.problems.get(name) ?? "") : ""}
          change={(text) => setFormTexts(entity, action, { ...texts, [name]: text })}
        />
      ))}
      <FormOutcome sent={sent} entity={entity} action={action} again={() => sendForm(prepared, ability.action)} />
      <Buttons ability={ability} sent={sent} prepared={prepared} complete={complete} />
    </form>
  );
}

/** A command without a manifest takes its arguments as JSON. */
function formOf({ action, hasManifest }: CatalogEntry): Action {
  if (hasManifest) return action;
  return { ...action, arguments: { [WHOLE_PAYLOAD]: { type: "any", title: "Arguments" } } };
}

function formResult({ hasManifest }: CatalogEntry, action: Action, texts: FormTexts): FormResult {
  const reading = parseForm(action, texts);
  if (hasManifest || reading.problems.size > 0) return reading;
  const whole = reading.payload[WHOLE_PAYLOAD] ?? {};
  if (typeof whole === "object" && !Array.isArray(whole)) return { ...reading, payload: whole as FormResult["payload"] };
  return { payload: {}, problems: new Map([[WHOLE_PAYLOAD, "Arguments must be a JSON object, such as {\"on\": true}."]]) };
}

function useFocus(form: { current: HTMLFormElement | null }): void {
  const seen = useRef(0);
  useEffect(() => {
    if (focusRequests.value === seen.current) return;
    seen.current = focusRequests.value;
    const first = form.current?.querySelector<HTMLElement>("input, select, textarea, button");
    first?.focus();
    form.current?.scrollIntoView({ block: "nearest" });
  }, [focusRequests.value]);
}

function focusProblem(form: HTMLFormElement | null, { problems }: FormResult): void {
  const [name] = problems.keys();
  form?.querySelector<HTMLElement>(`[name="${CSS.escape(name ?? "")}"]`)?.focus();
}

function reasonNotSendableNow({ reason }: CatalogEntry, sent: SentCommand | undefined): string {
  if (commandRefusal.value !== "") return commandRefusal.value;
  if (reason !== "") return reason;
  if (sent?.attempt.phase === "sending") return "The command is being sent.";
  return sent?.attempt.phase === "lost" ? "Resolve the previous command first: it is unknown whether it was sent." : "";
}

interface ButtonsProps {
  ability: CatalogEntry;
  sent: SentCommand | undefined;
  prepared: PreparedCommand;
  complete: (then: () => void) => () => void;
}

function Buttons({ ability, sent, prepared, complete }: ButtonsProps) {
  const reason = reasonNotSendableNow(ability, sent);
  const one = editedOf(prepared);
  return (
    <div class="form-buttons">
      <button
        type="submit"
        class="primary"
        aria-disabled={reason !== ""}
        aria-describedby={reason === "" ? undefined : "send-reason"}
        data-testid="send"
      >
        {sent?.attempt.phase === "sending" ? "Sending…" : ability.action.critical === true ? "Send…" : "Send"}
      </button>
      {one === undefined ? (
        <button type="button" data-testid="stack-add" onClick={complete(() => pushCommand(prepared))}>
          Add to stack
        </button>
      ) : (
        <>
          <button type="button" data-testid="stack-replace" onClick={complete(() => replaceEdited(prepared))}>
            Update in stack
          </button>
          <button type="button" onClick={() => (editedId.value = null)}>
            Cancel edit
          </button>
        </>
      )}
      {reason !== "" && (
        <span class="muted why" id="send-reason" data-testid="send-reason">
          {reason}
        </span>
      )}
    </div>
  );
}

interface OutcomeProps {
  sent: SentCommand | undefined;
  entity: Entity;
  action: Action;
  again: () => void;
}

/** The outcome of the last command: refused, reply lost, or its feedback. */
function FormOutcome({ sent, entity, action, again }: OutcomeProps) {
  if (sent?.attempt.phase === "refused") {
    return (
      <p class="form-problem" role="alert" data-testid="send-refused">
        Refused, not recorded: {sent.attempt.message}
      </p>
    );
  }
  if (sent?.attempt.phase === "sent") return <SentOutcome sent={sent} />;
  if (sent?.attempt.phase !== "lost") return null;
  return (
    <div class="form-lost" role="alert" data-testid="send-lost">
      <p>No answer came ({sent.attempt.message}): the command may or may not have been sent. A retry sends it at most once.</p>
      <button type="button" aria-disabled={commandRefusal.value !== ""} data-testid="ask-again" onClick={again}>
        Retry
      </button>
      <button type="button" onClick={() => clearSentCommand(entity, action)}>
        Dismiss
      </button>
    </div>
  );
}

/** The feedback to the form's last command, as of the clock. */
function SentOutcome({ sent }: { sent: SentCommand }) {
  const { scopeId } = sent.prepared;
  const command = commandsById.value.get(commandKey({ scopeId, commandId: sent.attempt.commandId }));
  return (
    <div class="became" role="status" data-testid="became">
      {command === undefined ? (
        <span class="outcome sent">sent</span>
      ) : (
        <>
          <State command={command} />
          <CommandProgress command={command} />
        </>
      )}
    </div>
  );
}
