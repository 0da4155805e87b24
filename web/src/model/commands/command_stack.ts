/** The command stack: prepared commands in order, sent by the user, stored per user in this browser. */

import { computed, effect, signal } from "@preact/signals";
import { newId } from "../../api/ids";
import { loadLocal, saveLocal } from "../page/local_store";
import { user } from "../session/session";
import { type CommandAttempt, sendAttempt } from "./command_attempt";
import { actionOf, type PreparedCommand } from "./command_catalog";
import { commandKey, type CommandRecord, commandsById } from "./command_history";
import { commandTitle, confirmThen, openForm, reasonNotSendable, resolvedAttempt } from "./command_panel";
import { parseCommands, parseStack, STACK_MAX_COMMANDS, stackText } from "./stack_file";

const STACK_KEY = "stack";

/** A command of the stack, and what became of sending it. */
export interface StackedCommand extends PreparedCommand {
  readonly id: string;
  readonly attempt: CommandAttempt | undefined;
}

export const stack = signal<readonly StackedCommand[]>([]);
/** Whether the next one is sent only when the one before has its result. */
export const isWaitingForResults = signal(true);
/** What was wrong with the last import, or why nothing more fits. */
export const stackError = signal("");

/** The first that was not sent yet. */
export const nextStacked = computed(() => stack.value.find((one) => !isSent(one)));

/** Why the next one cannot be sent; empty if it can. */
export const reasonNextNotSendable = computed(() => {
  const one = nextStacked.value;
  if (one === undefined) return stack.value.length === 0 ? "The stack is empty." : "All commands of the stack are sent.";
  return reasonStackedNotSendable(one);
});

/** Why one cannot be sent; empty if it can. */
export function reasonStackedNotSendable(one: StackedCommand): string {
  if (one.attempt?.phase === "sending") return "The command is being sent.";
  return reasonNotSendable(one) || (isWaitingForResults.value ? reasonToWait(one) : "");
}

/** Why the command before is not finished; empty if it is. */
function reasonToWait(one: StackedCommand): string {
  const before = stack.value[stack.value.indexOf(one) - 1];
  if (before === undefined || !isSent(before)) return "";
  const state = commandOf(before)?.state;
  if (state === "success" || state === "failure") return "";
  const of = `${commandTitle(before)} (${before.uniqueId})`;
  return state === "written" ? `${of} is written to its device and not confirmed yet.` : `It waits for the result of ${of}.`;
}

/** What the archive says of one that was sent; undefined where it says nothing as of the clock. */
export function commandOf({ scopeId, attempt: one }: StackedCommand): CommandRecord | undefined {
  return one === undefined ? undefined : commandsById.value.get(commandKey({ scopeId, commandId: one.commandId }));
}

/** What became of sending one. */
export function attemptOf(one: StackedCommand): CommandAttempt | undefined {
  return resolvedAttempt(one.attempt, one);
}

/** Whether one has left. */
export function isSent(one: StackedCommand): boolean {
  return attemptOf(one)?.phase === "sent";
}

/** Put a command at the end. */
export function pushCommand(of: PreparedCommand): void {
  if (stack.value.length >= STACK_MAX_COMMANDS) {
    stackError.value = `The stack holds at most ${STACK_MAX_COMMANDS} commands.`;
    return;
  }
  const { scopeId, systemId, containerId, uniqueId, commandType, payload } = of;
  const one = { scopeId, systemId, containerId, uniqueId, commandType, payload, id: newId(), attempt: undefined };
  stack.value = [...stack.value, one];
}

/** Move one by a place. */
export function moveStacked(id: string, by: 1 | -1): void {
  const at = stack.value.findIndex((one) => one.id === id);
  const to = at + by;
  if (at < 0 || to < 0 || to >= stack.value.length) return;
  const moved = [...stack.value];
  const [one] = moved.splice(at, 1);
  moved.splice(to, 0, one as StackedCommand);
  stack.value = moved;
}

/** Take one out. */
export function removeStacked(id: string): void {
  stack.value = stack.value.filter((one) => one.id !== id);
}

/** Take out all that were sent. */
export function clearSent(): void {
  stack.value = stack.value.filter((one) => !isSent(one));
}

/** The one whose arguments are being edited in its form. */
export const editedId = signal<string | null>(null);

/** Open one in its form. */
export function editStacked(one: StackedCommand): void {
  editedId.value = one.id;
  openForm(one, actionOf(one) ?? { commandType: one.commandType, title: one.commandType }, one.payload);
}

/** Take the arguments of the form for the one that is edited. */
export function replaceEdited(of: PreparedCommand): void {
  changeStacked(editedId.value ?? "", { payload: of.payload, attempt: undefined });
  editedId.value = null;
}

/** The one that is edited, if it is of this entity and command. */
export function editedOf(of: Pick<PreparedCommand, "uniqueId" | "commandType">): StackedCommand | undefined {
  return stack.value.find(
    (one) => one.id === editedId.value && one.uniqueId === of.uniqueId && one.commandType === of.commandType,
  );
}

/** Send one, or ask again for one whose answer was lost; a critical command asks first. */
export function sendStacked(one: StackedCommand): void {
  if (reasonStackedNotSendable(one) !== "") return;
  const before = attemptOf(one);
  confirmThen(one, actionOf(one), () => void sendAttempt(one, before, (now) => changeStacked(one.id, { attempt: now })));
}

/** Add the commands of a file's text, or say what is wrong with it. */
export function importStack(text: string): void {
  try {
    const found = parseStack(text);
    if (stack.value.length + found.length > STACK_MAX_COMMANDS) {
      throw new Error(`The stack holds at most ${STACK_MAX_COMMANDS} commands.`);
    }
    stackError.value = "";
    found.forEach(pushCommand);
  } catch (error) {
    stackError.value = `The stack was not imported. ${(error as Error).message}`;
  }
}

/** The stack as a file's text. */
export function exportStack(): string {
  return stackText(stack.value);
}

/** Bring back the stack of whoever logs in, and keep what becomes of it; called once. */
export function persistStack(): void {
  effect(() => {
    if (user.value !== null) [stack.value, isWaitingForResults.value] = restoredStack(loadLocal(STACK_KEY, user.value));
  });
  effect(() => {
    const value = { version: 1, isPatient: isWaitingForResults.value, commands: stack.value };
    const name = user.peek();
    if (name !== null) saveLocal(STACK_KEY, name, value);
  });
}

/** The stack of a kept value: an empty one where it is none. What was being sent has lost its answer. */
export function restoredStack(value: unknown): [StackedCommand[], boolean] {
  try {
    const raw = (value as { commands: { attempt?: CommandAttempt }[] }).commands;
    const found = parseCommands(value).map((one, index) => ({ ...one, id: newId(), attempt: restoredAttempt(raw[index]?.attempt) }));
    return [found, (value as { isPatient?: unknown }).isPatient !== false];
  } catch {
    return [[], true];
  }
}

function restoredAttempt(one: CommandAttempt | undefined): CommandAttempt | undefined {
  if (typeof one?.commandId !== "string" || typeof one.requestId !== "string") return undefined;
  return one.phase === "sending" ? { ...one, phase: "lost", message: "the page was left" } : one;
}

function changeStacked(id: string, by: Partial<StackedCommand>): void {
  stack.value = stack.value.map((one) => (one.id === id ? { ...one, ...by } : one));
}
