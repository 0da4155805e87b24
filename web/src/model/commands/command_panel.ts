/** The command panel: open forms, their texts, confirmations and the outcome of sending. */

import { computed, effect, signal } from "@preact/signals";
import type { Action } from "../../api/protocol";
import { selectEntity } from "../entities/entities";
import { showPanel } from "../layout/layout_store";
import { defaultCommand } from "../session/default_view";
import { refusalTo } from "../session/permission";
import { user } from "../session/session";
import { type Entity, entityKey } from "../values/event";
import { type CommandAttempt, sendAttempt } from "./command_attempt";
import { actionOf, type PreparedCommand, reasonInvalid } from "./command_catalog";
import { type CommandPayload, defaultsOf, type FormTexts, textsOf } from "./command_form";
import { commandKey, commandsById } from "./command_history";

/** The parts of the panel. */
export type CommandTab = "send" | "stack" | "history";

export const commandTab = signal<CommandTab>("send");
/** The commandType whose form is open, by entity; null means none. */
export const openForms = signal<ReadonlyMap<string, string | null>>(new Map());
/** The typed arguments, by form. */
const typedTexts = signal<ReadonlyMap<string, FormTexts>>(new Map());
/** The last command of each form and its attempt. */
const sentByForm = signal<ReadonlyMap<string, SentCommand>>(new Map());
/** Incremented when a form has to take the focus. */
export const focusRequests = signal(0);

/** A command sent from a form, with its attempt. */
export interface SentCommand {
  readonly prepared: PreparedCommand;
  readonly attempt: CommandAttempt;
}

/** A critical command that waits for confirmation. */
export interface Confirmation {
  readonly prepared: PreparedCommand;
  readonly action: Action;
  readonly confirm: () => void;
}

export const confirmation = signal<Confirmation | null>(null);

/** Why no command can be sent now; empty if one can. */
export const commandRefusal = computed(() => refusalTo("send commands"));

/** Open the form of an action, with arguments if some are given. */
export function openForm(entity: Entity, action: Action, payload?: CommandPayload): void {
  selectEntity(entity);
  setOpenForm(entity, action.commandType);
  if (payload !== undefined) setFormTexts(entity, action, textsOf(action, payload));
  commandTab.value = "send";
  showPanel("commands");
  focusRequests.value++;
}

/** The open form's commandType: the user's choice, else the only one, else the instance's default. */
export function openFormOf(entity: Entity, commandTypes: readonly string[]): string | undefined {
  const chosen = openForms.value.get(entityKey(entity));
  if (chosen !== undefined) return chosen ?? undefined;
  if (commandTypes.length === 1) return commandTypes[0];
  return commandTypes.find((type) => type === defaultCommand(entity));
}

/** Open an action's form, or close it (null). */
export function setOpenForm(entity: Entity, commandType: string | null): void {
  openForms.value = new Map(openForms.value).set(entityKey(entity), commandType);
}

/** The typed arguments of an action; initially its defaults. */
export function formTexts(entity: Entity, action: Action): FormTexts {
  return typedTexts.value.get(formKey(entity, action)) ?? defaultsOf(action);
}

/** Store the typed arguments. */
export function setFormTexts(entity: Entity, action: Action, texts: FormTexts): void {
  typedTexts.value = new Map(typedTexts.value).set(formKey(entity, action), texts);
}

/** The last command sent from a form; undefined if none was. */
export function sentCommandOf(entity: Entity, action: Action): SentCommand | undefined {
  const found = sentByForm.value.get(formKey(entity, action));
  return found === undefined ? undefined : { ...found, attempt: resolvedAttempt(found.attempt, entity) as CommandAttempt };
}

/** Send a form's command, or retry one whose reply was lost. A critical command is confirmed first. */
export function sendForm(prepared: PreparedCommand, action: Action): void {
  const slot = formKey(prepared, action);
  const before = sentCommandOf(prepared, action);
  // A retry sends the lost command unchanged, even if the form was edited since.
  const of = before?.attempt.phase === "lost" ? before.prepared : prepared;
  const onStep = (now: CommandAttempt) => (sentByForm.value = new Map(sentByForm.value).set(slot, { prepared: of, attempt: now }));
  confirmThen(of, action, () => void sendAttempt(of, before?.attempt, onStep));
}

/** Clear the outcome of a form's last command. */
export function clearSentCommand(entity: Entity, action: Action): void {
  const next = new Map(sentByForm.value);
  next.delete(formKey(entity, action));
  sentByForm.value = next;
}

/** Run `go`, after confirmation if the command is critical; not if the command cannot be sent. */
export function confirmThen(prepared: PreparedCommand, action: Action | undefined, go: () => void): void {
  const guarded = () => reasonNotSendable(prepared) === "" && go();
  if (action?.critical === true) confirmation.value = { prepared, action, confirm: guarded };
  else guarded();
}

/** Why a command cannot be sent now; empty if it can. */
export function reasonNotSendable(prepared: PreparedCommand): string {
  return commandRefusal.value || reasonInvalid(prepared);
}

/** The title of a command on its card, else its commandType. */
export function commandTitle(of: Pick<PreparedCommand, keyof Entity | "commandType">): string {
  return actionOf(of)?.title ?? of.commandType;
}

/** The attempt; `sent` if its command was seen as an event, even if the reply was lost. */
export function resolvedAttempt(one: CommandAttempt | undefined, entity: Entity): CommandAttempt | undefined {
  if (one?.phase !== "lost" && one?.phase !== "sending") return one;
  const id = commandKey({ scopeId: entity.scopeId, commandId: one.commandId });
  return commandsById.value.get(id)?.request === undefined ? one : { ...one, phase: "sent", message: "" };
}

/** Clear the forms when the user changes. Call once. */
export function resetFormsForUser(): void {
  effect(() => {
    void user.value;
    openForms.value = new Map();
    typedTexts.value = new Map();
    sentByForm.value = new Map();
    confirmation.value = null;
  });
}

function formKey(entity: Entity, action: Action): string {
  return `${entityKey(entity)} ${action.commandType}`;
}
