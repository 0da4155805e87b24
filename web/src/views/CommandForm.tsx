/** The form of an action: its arguments, what is wrong with them, and the buttons that send or stack it. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Action } from "../api/protocol";
import type { Ability, Prepared } from "../model/abilities";
import { type Reading, readingOf, type Texts } from "../model/command_form";
import { fill, focusAsked, forgetSent, refusal, sendForm, type Sent, sentFrom, textsIn } from "../model/commanding";
import type { Entity } from "../model/event";
import { commandKey, commandsById } from "../model/history";
import { edited, editedOf, push, replaceEdited } from "../model/stack";
import { ArgumentField } from "./ArgumentField";
import { Outcome as State, Told } from "./CommandRow";

/** The argument of a form that stands for all of them, where no manifest names any. */
const WHOLE = "payload";

export function CommandForm({ entity, ability }: { entity: Entity; ability: Ability }) {
  const form = useRef<HTMLFormElement>(null);
  const [isTried, setTried] = useState(false);
  const action = formOf(ability);
  const texts = textsIn(entity, action);
  const reading = meant(ability, action, texts);
  const sent = sentFrom(entity, action);
  const { scopeId, systemId, containerId, uniqueId } = entity;
  const { commandType } = action;
  const prepared: Prepared = { scopeId, systemId, containerId, uniqueId, commandType, payload: reading.payload };
  useFocus(form);
  const complete = (then: () => void) => () => {
    setTried(true);
    if (reading.problems.size > 0) focusProblem(form.current, reading);
    else then();
  };
  const send = complete(() => {
    if (reasonAgainstSending(ability, sent) === "") sendForm(prepared, ability.action);
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
          change={(text) => fill(entity, action, { ...texts, [name]: text })}
        />
      ))}
      <Outcome sent={sent} entity={entity} action={action} again={() => sendForm(prepared, ability.action)} />
      <Buttons ability={ability} sent={sent} prepared={prepared} complete={complete} />
    </form>
  );
}

/** A command that no manifest describes takes its arguments as JSON. */
function formOf({ action, isKnown }: Ability): Action {
  if (isKnown) return action;
  return { ...action, arguments: { [WHOLE]: { type: "any", title: "Arguments" } } };
}

function meant({ isKnown }: Ability, action: Action, texts: Texts): Reading {
  const reading = readingOf(action, texts);
  if (isKnown || reading.problems.size > 0) return reading;
  const whole = reading.payload[WHOLE] ?? {};
  if (typeof whole === "object" && !Array.isArray(whole)) return { ...reading, payload: whole as Reading["payload"] };
  return { payload: {}, problems: new Map([[WHOLE, "Arguments must be a JSON object, such as {\"on\": true}."]]) };
}

function useFocus(form: { current: HTMLFormElement | null }): void {
  const seen = useRef(0);
  useEffect(() => {
    if (focusAsked.value === seen.current) return;
    seen.current = focusAsked.value;
    const first = form.current?.querySelector<HTMLElement>("input, select, textarea, button");
    first?.focus();
    form.current?.scrollIntoView({ block: "nearest" });
  }, [focusAsked.value]);
}

function focusProblem(form: HTMLFormElement | null, { problems }: Reading): void {
  const [name] = problems.keys();
  form?.querySelector<HTMLElement>(`[name="${CSS.escape(name ?? "")}"]`)?.focus();
}

function reasonAgainstSending({ reason }: Ability, sent: Sent | undefined): string {
  if (refusal.value !== "") return refusal.value;
  if (reason !== "") return reason;
  if (sent?.now.phase === "sending") return "It is being sent.";
  return sent?.now.phase === "lost" ? "First see to the one before: nobody knows whether it was sent." : "";
}

interface ButtonsProps {
  ability: Ability;
  sent: Sent | undefined;
  prepared: Prepared;
  complete: (then: () => void) => () => void;
}

function Buttons({ ability, sent, prepared, complete }: ButtonsProps) {
  const reason = reasonAgainstSending(ability, sent);
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
        {sent?.now.phase === "sending" ? "Sending…" : ability.action.critical === true ? "Send…" : "Send"}
      </button>
      {one === undefined ? (
        <button type="button" data-testid="stack-add" onClick={complete(() => push(prepared))}>
          Add to stack
        </button>
      ) : (
        <>
          <button type="button" data-testid="stack-replace" onClick={complete(() => replaceEdited(prepared))}>
            Keep in stack
          </button>
          <button type="button" onClick={() => (edited.value = null)}>
            Leave it
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
  sent: Sent | undefined;
  entity: Entity;
  action: Action;
  again: () => void;
}

/** What became of the last one: refused, its answer lost, or what events say of it. */
function Outcome({ sent, entity, action, again }: OutcomeProps) {
  if (sent?.now.phase === "refused") {
    return (
      <p class="form-problem" role="alert" data-testid="send-refused">
        Refused, and not recorded: {sent.now.message}
      </p>
    );
  }
  if (sent?.now.phase === "sent") return <Became sent={sent} />;
  if (sent?.now.phase !== "lost") return null;
  return (
    <div class="form-lost" role="alert" data-testid="send-lost">
      <p>No answer came ({sent.now.message}): it may have been sent or not. Asking again sends it once at most.</p>
      <button type="button" aria-disabled={refusal.value !== ""} data-testid="ask-again" onClick={again}>
        Ask again
      </button>
      <button type="button" onClick={() => forgetSent(entity, action)}>
        Let it be
      </button>
    </div>
  );
}

/** How the last command of this form goes, as of the clock. */
function Became({ sent }: { sent: Sent }) {
  const { scopeId } = sent.prepared;
  const command = commandsById.value.get(commandKey({ scopeId, commandId: sent.now.commandId }));
  return (
    <div class="became" role="status" data-testid="became">
      {command === undefined ? (
        <span class="outcome sent">sent</span>
      ) : (
        <>
          <State command={command} />
          <Told command={command} />
        </>
      )}
    </div>
  );
}
