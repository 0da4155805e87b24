/** The command stack: prepared commands in their order, each sent by a person, kept per user in this browser. */

import { computed, effect, signal } from "@preact/signals";
import { newId } from "../api/ids";
import { actionOf, type Prepared } from "./abilities";
import { attempt, type Attempt } from "./attempt";
import { ask, known, openForm, reasonNow, titleOf } from "./commanding";
import { type Command, commandKey, commandsById } from "./history";
import { keep, kept } from "./kept";
import { user } from "./session";
import { parseStack, STACK_MAX_COMMANDS, stackOf, stackText } from "./stack_file";

const NAME = "stack";

/** A command of the stack, and what became of sending it. */
export interface Stacked extends Prepared {
  readonly id: string;
  readonly attempt: Attempt | undefined;
}

export const stack = signal<readonly Stacked[]>([]);
/** Whether the next one is sent only when the one before has its result. */
export const isPatient = signal(true);
/** What was wrong with the last import, or why nothing more fits. */
export const stackTrouble = signal("");

/** The first that was not sent yet. */
export const next = computed(() => stack.value.find((one) => !isSent(one)));

/** Why the next one cannot be sent; empty if it can. */
export const reasonAgainstNext = computed(() => {
  const one = next.value;
  if (one === undefined) return stack.value.length === 0 ? "The stack is empty." : "All of the stack was sent.";
  return reasonAgainst(one);
});

/** Why one cannot be sent; empty if it can. */
export function reasonAgainst(one: Stacked): string {
  if (one.attempt?.phase === "sending") return "It is being sent.";
  return reasonNow(one) || (isPatient.value ? waiting(one) : "");
}

/** What the one before still lacks. */
function waiting(one: Stacked): string {
  const before = stack.value[stack.value.indexOf(one) - 1];
  if (before === undefined || !isSent(before)) return "";
  const state = commandOf(before)?.state;
  if (state === "success" || state === "failure") return "";
  const of = `${titleOf(before)} (${before.uniqueId})`;
  return state === "written" ? `${of} was written, and nobody has confirmed it.` : `It waits for the result of ${of}.`;
}

/** What the archive says of one that was sent; undefined where it says nothing as of the clock. */
export function commandOf({ scopeId, attempt: one }: Stacked): Command | undefined {
  return one === undefined ? undefined : commandsById.value.get(commandKey({ scopeId, commandId: one.commandId }));
}

/** What became of sending one. */
export function attemptOf(one: Stacked): Attempt | undefined {
  return known(one.attempt, one);
}

/** Whether one has left. */
export function isSent(one: Stacked): boolean {
  return attemptOf(one)?.phase === "sent";
}

/** Put a command at the end. */
export function push(of: Prepared): void {
  if (stack.value.length >= STACK_MAX_COMMANDS) {
    stackTrouble.value = `The stack holds at most ${STACK_MAX_COMMANDS} commands.`;
    return;
  }
  const { scopeId, systemId, containerId, uniqueId, commandType, payload } = of;
  const one = { scopeId, systemId, containerId, uniqueId, commandType, payload, id: newId(), attempt: undefined };
  stack.value = [...stack.value, one];
}

/** Move one by a place. */
export function shift(id: string, by: 1 | -1): void {
  const at = stack.value.findIndex((one) => one.id === id);
  const to = at + by;
  if (at < 0 || to < 0 || to >= stack.value.length) return;
  const moved = [...stack.value];
  const [one] = moved.splice(at, 1);
  moved.splice(to, 0, one as Stacked);
  stack.value = moved;
}

/** Take one out. */
export function remove(id: string): void {
  stack.value = stack.value.filter((one) => one.id !== id);
}

/** Take out all that were sent. */
export function clearSent(): void {
  stack.value = stack.value.filter((one) => !isSent(one));
}

/** The one whose arguments are being edited in its form. */
export const edited = signal<string | null>(null);

/** Open one in its form. */
export function edit(one: Stacked): void {
  edited.value = one.id;
  openForm(one, actionOf(one) ?? { commandType: one.commandType, title: one.commandType }, one.payload);
}

/** Take the arguments of the form for the one that is edited. */
export function replaceEdited(of: Prepared): void {
  change(edited.value ?? "", { payload: of.payload, attempt: undefined });
  edited.value = null;
}

/** The one that is edited, if it is of this entity and command. */
export function editedOf(of: Pick<Prepared, "uniqueId" | "commandType">): Stacked | undefined {
  return stack.value.find(
    (one) => one.id === edited.value && one.uniqueId === of.uniqueId && one.commandType === of.commandType,
  );
}

/** Send one, or ask again for one whose answer was lost; a critical command asks first. */
export function sendStacked(one: Stacked): void {
  if (reasonAgainst(one) !== "") return;
  const before = attemptOf(one);
  ask(one, actionOf(one), () => void attempt(one, before, (now) => change(one.id, { attempt: now })));
}

/** Add the commands of a file's text, or say what is wrong with it. */
export function importStack(text: string): void {
  try {
    const found = parseStack(text);
    if (stack.value.length + found.length > STACK_MAX_COMMANDS) {
      throw new Error(`The stack holds at most ${STACK_MAX_COMMANDS} commands.`);
    }
    stackTrouble.value = "";
    found.forEach(push);
  } catch (error) {
    stackTrouble.value = `This stack cannot be used. ${(error as Error).message}`;
  }
}

/** The stack as a file's text. */
export function exportStack(): string {
  return stackText(stack.value);
}

/** Bring back the stack of whoever logs in, and keep what becomes of it; called once. */
export function keepStack(): void {
  effect(() => {
    if (user.value !== null) [stack.value, isPatient.value] = restored(kept(NAME, user.value));
  });
  effect(() => {
    const value = { version: 1, isPatient: isPatient.value, commands: stack.value };
    const name = user.peek();
    if (name !== null) keep(NAME, name, value);
  });
}

/** The stack of a kept value: an empty one where it is none. What was being sent has lost its answer. */
export function restored(value: unknown): [Stacked[], boolean] {
  try {
    const raw = (value as { commands: { attempt?: Attempt }[] }).commands;
    const found = stackOf(value).map((one, index) => ({ ...one, id: newId(), attempt: lasting(raw[index]?.attempt) }));
    return [found, (value as { isPatient?: unknown }).isPatient !== false];
  } catch {
    return [[], true];
  }
}

function lasting(one: Attempt | undefined): Attempt | undefined {
  if (typeof one?.commandId !== "string" || typeof one.requestId !== "string") return undefined;
  return one.phase === "sending" ? { ...one, phase: "lost", message: "the page was left" } : one;
}

function change(id: string, by: Partial<Stacked>): void {
  stack.value = stack.value.map((one) => (one.id === id ? { ...one, ...by } : one));
}
