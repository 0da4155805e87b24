/** The command stack: prepared commands in order, sent by the user, stored per user in this browser. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { newId } from "../../api/ids";
import { followLocal, loadLocal, saveLocal } from "../page/local_store";
import { user } from "../session/session";
import { type CommandAttempt, sendAttempt } from "./command_attempt";
import { actionOf, type PreparedCommand } from "./command_catalog";
import { commandKey, type CommandRecord, commandsById } from "./command_history";
import { commandTitle, confirmThen, openForm, reasonNotSendable, resolvedAttempt } from "./command_panel";
import { isSame, mergedStack, type Stacked } from "./stack_merge";
import { parseCommands, parseStack, STACK_MAX_COMMANDS, stackText } from "./stack_file";

const STACK_KEY = "stack";

/** A command of the stack, and the outcome of sending it. */
export interface StackedCommand extends PreparedCommand {
  readonly id: string;
  readonly attempt: CommandAttempt | undefined;
}

export const stack = signal<readonly StackedCommand[]>([]);
/** Whether the next command is sent only after the previous one has a result. */
export const isWaitingForResults = signal(true);
/** The error of the last import, or the reason why the stack is full. */
export const stackError = signal("");

/** The first command that is not sent yet. */
export const nextStacked = computed(() => stack.value.find((one) => !isSent(one)));

/** Why the next command cannot be sent; empty if it can. */
export const reasonNextNotSendable = computed(() => {
  const one = nextStacked.value;
  if (one === undefined) return stack.value.length === 0 ? "The stack is empty." : "All commands of the stack are sent.";
  return reasonStackedNotSendable(one);
});

/** Why a command cannot be sent; empty if it can. */
export function reasonStackedNotSendable(one: StackedCommand): string {
  if (one.attempt?.phase === "sending") return "The command is being sent.";
  return reasonNotSendable(one) || (isWaitingForResults.value ? reasonToWait(one) : "");
}

/** Why the previous command is not finished; empty if it is. */
function reasonToWait(one: StackedCommand): string {
  const before = stack.value[stack.value.indexOf(one) - 1];
  if (before === undefined || !isSent(before)) return "";
  const state = commandOf(before)?.state;
  if (state === "success" || state === "failure") return "";
  const of = `${commandTitle(before)} (${before.uniqueId})`;
  return state === "written" ? `${of} is written to its device and not confirmed yet.` : `It waits for the result of ${of}.`;
}

/** The state of a sent command as of the clock; undefined if the archive has none. */
export function commandOf({ scopeId, attempt: one }: StackedCommand): CommandRecord | undefined {
  return one === undefined ? undefined : commandsById.value.get(commandKey({ scopeId, commandId: one.commandId }));
}

/** The outcome of sending a command. */
export function attemptOf(one: StackedCommand): CommandAttempt | undefined {
  return resolvedAttempt(one.attempt, one);
}

/** Whether a command has been sent. */
export function isSent(one: StackedCommand): boolean {
  return attemptOf(one)?.phase === "sent";
}

/** Append a command. */
export function pushCommand(of: PreparedCommand): void {
  if (stack.value.length >= STACK_MAX_COMMANDS) {
    stackError.value = `The stack holds at most ${STACK_MAX_COMMANDS} commands.`;
    return;
  }
  const { scopeId, systemId, containerId, uniqueId, commandType, payload } = of;
  const one = { scopeId, systemId, containerId, uniqueId, commandType, payload, id: newId(), attempt: undefined };
  stack.value = [...stack.value, one];
}

/** Move a command by one place. */
export function moveStacked(id: string, by: 1 | -1): void {
  const at = stack.value.findIndex((one) => one.id === id);
  const to = at + by;
  if (at < 0 || to < 0 || to >= stack.value.length) return;
  const moved = [...stack.value];
  const [one] = moved.splice(at, 1);
  moved.splice(to, 0, one as StackedCommand);
  stack.value = moved;
}

/** Remove a command. */
export function removeStacked(id: string): void {
  stack.value = stack.value.filter((one) => one.id !== id);
}

/** Remove all sent commands. */
export function clearSent(): void {
  stack.value = stack.value.filter((one) => !isSent(one));
}

/** The command whose arguments are being edited in its form. */
export const editedId = signal<string | null>(null);

/** Open a command in its form. */
export function editStacked(one: StackedCommand): void {
  editedId.value = one.id;
  openForm(one, actionOf(one) ?? { commandType: one.commandType, title: one.commandType }, one.payload);
}

/** Replace the arguments of the edited command by those of the form. */
export function replaceEdited(of: PreparedCommand): void {
  changeStacked(editedId.value ?? "", { payload: of.payload, attempt: undefined });
  editedId.value = null;
}

/** The edited command, if it belongs to this entity and command type. */
export function editedOf(of: Pick<PreparedCommand, "uniqueId" | "commandType">): StackedCommand | undefined {
  return stack.value.find(
    (one) => one.id === editedId.value && one.uniqueId === of.uniqueId && one.commandType === of.commandType,
  );
}

/** Send a command, or retry one whose reply was lost; a critical command is confirmed first. */
export function sendStacked(one: StackedCommand): void {
  if (reasonStackedNotSendable(one) !== "") return;
  const before = attemptOf(one);
  confirmThen(one, actionOf(one), () => void sendAttempt(one, before, (now) => changeStacked(one.id, { attempt: now })));
}

/** Add the commands of a file's text, or report its error. */
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

/** The stack as the text of a file. */
export function exportStack(): string {
  return stackText(stack.value);
}

/** What this tab and the storage had in common last. */
let shared: Stacked<StackedCommand> = { commands: [], isPatient: true };

/** Load the stack at login, save its changes, and follow those of other tabs; called once. */
export function persistStack(): void {
  effect(() => {
    if (user.value === null) return;
    const stored = loadLocal(STACK_KEY, user.value);
    show(restoredStack(stored));
    shared = storedStack(stored);
  });
  effect(() => {
    const own = { commands: stack.value, isPatient: isWaitingForResults.value };
    const name = user.peek();
    if (name !== null && !isSame(own, shared)) untracked(() => save(name, own));
  });
  followLocal(STACK_KEY, (value) => show(storedStack(value)));
}

/** Make the changes of this tab to what is stored: another tab may have written. */
function save(name: string, own: Stacked<StackedCommand>): void {
  const stored = loadLocal(STACK_KEY, name);
  const merged = stored === undefined ? own : mergedStack(shared, own, storedStack(stored));
  const left = merged.commands.length - STACK_MAX_COMMANDS;
  if (left > 0) {
    stackError.value = `The stack holds at most ${STACK_MAX_COMMANDS} commands, with those of other tabs: the last ${left} were left out.`;
  }
  const kept = { ...merged, commands: merged.commands.slice(0, STACK_MAX_COMMANDS) };
  saveLocal(STACK_KEY, name, { version: 1, ...kept });
  show(kept);
}

function show(found: Stacked<StackedCommand>): void {
  shared = found;
  batch(() => ([stack.value, isWaitingForResults.value] = [found.commands, found.isPatient]));
}

/** The stack of a stored value, as of a login: the reply to a command in flight counts as lost. */
export function restoredStack(value: unknown): Stacked<StackedCommand> {
  const { commands, isPatient } = storedStack(value);
  return { commands: commands.map((one) => ({ ...one, attempt: restoredAttempt(one.attempt) })), isPatient };
}

/** The stack of a stored value; empty if the value is none. While the page is open, another tab may be sending of it. */
function storedStack(value: unknown): Stacked<StackedCommand> {
  try {
    const raw = (value as { commands: { id?: unknown; attempt?: CommandAttempt }[] }).commands;
    const commands = parseCommands(value).map((one, index) => {
      const { id, attempt } = raw[index] ?? {};
      return { ...one, id: typeof id === "string" ? id : `stored-${index}`, attempt: storedAttempt(attempt) };
    });
    return { commands, isPatient: (value as { isPatient?: unknown }).isPatient !== false };
  } catch {
    return { commands: [], isPatient: true };
  }
}

function restoredAttempt(one: CommandAttempt | undefined): CommandAttempt | undefined {
  return one?.phase === "sending" ? { ...one, phase: "lost", message: "the page was left" } : one;
}

function storedAttempt(one: CommandAttempt | undefined): CommandAttempt | undefined {
  return typeof one?.commandId === "string" && typeof one.requestId === "string" ? one : undefined;
}

function changeStacked(id: string, by: Partial<StackedCommand>): void {
  stack.value = stack.value.map((one) => (one.id === id ? { ...one, ...by } : one));
}
