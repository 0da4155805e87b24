/** The command panel: which action is open, what is typed in its form, and what became of sending it. */

import { computed, effect, signal } from "@preact/signals";
import type { Action } from "../api/protocol";
import { actionOf, type Prepared, reasonAgainstPrepared } from "./abilities";
import { showPanel } from "./arrangement";
import { attempt, type Attempt } from "./attempt";
import { defaultsOf, type Payload, type Texts, textsOf } from "./command_form";
import { openingCommand } from "./default_view";
import { select } from "./entities";
import { type Entity, entityKey } from "./event";
import { commandKey, commandsById } from "./history";
import { refusalTo } from "./permission";
import { user } from "./session";

/** The parts of the panel. */
export type Part = "send" | "stack" | "history";

export const part = signal<Part>("send");
/** The action whose form is open, by entity; null is none. */
export const opened = signal<ReadonlyMap<string, string | null>>(new Map());
/** What is typed, by form. */
const typedTexts = signal<ReadonlyMap<string, Texts>>(new Map());
/** What became of the last command of each form. */
const sent = signal<ReadonlyMap<string, Sent>>(new Map());
/** Moves when a form is to take the focus. */
export const focusAsked = signal(0);

/** A command that left a form, and what became of it. */
export interface Sent {
  readonly prepared: Prepared;
  readonly now: Attempt;
}

/** A command that a person has to confirm, and what is done then. */
export interface Question {
  readonly prepared: Prepared;
  readonly action: Action;
  readonly go: () => void;
}

export const question = signal<Question | null>(null);

/** Why nothing can be sent now; empty if it can. */
export const refusal = computed(() => refusalTo("sent"));

/** Open the form of an action, with arguments if some are given. */
export function openForm(entity: Entity, action: Action, payload?: Payload): void {
  select(entity);
  open(entity, action.commandType);
  if (payload !== undefined) fill(entity, action, textsOf(action, payload));
  part.value = "send";
  showPanel("commands");
  focusAsked.value++;
}

/** The action whose form is open: as was chosen, else the one alone or the instance's; undefined is none. */
export function openedOf(entity: Entity, commandTypes: readonly string[]): string | undefined {
  const chosen = opened.value.get(entityKey(entity));
  if (chosen !== undefined) return chosen ?? undefined;
  if (commandTypes.length === 1) return commandTypes[0];
  return commandTypes.find((type) => type === openingCommand(entity));
}

/** Open an action's form, or none. */
export function open(entity: Entity, commandType: string | null): void {
  opened.value = new Map(opened.value).set(entityKey(entity), commandType);
}

/** What is typed in the form of an action; at first its defaults. */
export function textsIn(entity: Entity, action: Action): Texts {
  return typedTexts.value.get(slotOf(entity, action)) ?? defaultsOf(action);
}

/** Take what is typed. */
export function fill(entity: Entity, action: Action, texts: Texts): void {
  typedTexts.value = new Map(typedTexts.value).set(slotOf(entity, action), texts);
}

/** What became of the last command of a form; undefined where none was sent. */
export function sentFrom(entity: Entity, action: Action): Sent | undefined {
  const found = sent.value.get(slotOf(entity, action));
  return found === undefined ? undefined : { ...found, now: known(found.now, entity) as Attempt };
}

/** Send what a form holds, or ask again for a command whose answer was lost; a critical one asks first. */
export function sendForm(prepared: Prepared, action: Action): void {
  const slot = slotOf(prepared, action);
  const before = sentFrom(prepared, action);
  // What was lost is asked for as it was, whatever stands in the form by now.
  const of = before?.now.phase === "lost" ? before.prepared : prepared;
  const told = (now: Attempt) => (sent.value = new Map(sent.value).set(slot, { prepared: of, now }));
  ask(of, action, () => void attempt(of, before?.now, told));
}

/** Forget what became of a form's last command. */
export function forgetSent(entity: Entity, action: Action): void {
  const next = new Map(sent.value);
  next.delete(slotOf(entity, action));
  sent.value = next;
}

/** Do it, or ask first where the command is critical; nothing is done where something speaks against it. */
export function ask(prepared: Prepared, action: Action | undefined, go: () => void): void {
  const guarded = () => reasonNow(prepared) === "" && go();
  if (action?.critical === true) question.value = { prepared, action, go: guarded };
  else guarded();
}

/** Why a command cannot be sent now; empty if it can. */
export function reasonNow(prepared: Prepared): string {
  return refusal.value || reasonAgainstPrepared(prepared);
}

/** What a command is called: as its card says, or as programs do. */
export function titleOf(of: Pick<Prepared, keyof Entity | "commandType">): string {
  return actionOf(of)?.title ?? of.commandType;
}

/** An attempt whose command has been seen as an event was sent, whatever became of its answer. */
export function known(one: Attempt | undefined, entity: Entity): Attempt | undefined {
  if (one?.phase !== "lost" && one?.phase !== "sending") return one;
  const id = commandKey({ scopeId: entity.scopeId, commandId: one.commandId });
  return commandsById.value.get(id)?.request === undefined ? one : { ...one, phase: "sent", message: "" };
}

/** Another user begins with nothing; called once. */
export function followUser(): void {
  effect(() => {
    void user.value;
    opened.value = new Map();
    typedTexts.value = new Map();
    sent.value = new Map();
    question.value = null;
  });
}

function slotOf(entity: Entity, action: Action): string {
  return `${entityKey(entity)} ${action.commandType}`;
}
