/** The command history as of the clock, folded from command events. */

import { computed, signal } from "@preact/signals";
import { selectedEntity } from "../entities/entities";
import { Ledger } from "../events/ledger";
import { type Entity, entityKey, type StoredEvent } from "../values/event";

/**
 * `sent` remains until there is feedback; there is no time-out. `written`: a host has written it
 * to its device, and the device has not confirmed it.
 */
export type CommandState = "sent" | "written" | "running" | "success" | "failure";

/** The progress message of a host that has written a command to its device. */
const WRITTEN = "written";

/** One command with its progress and result. */
export interface CommandRecord extends Entity {
  /** The map key of a command in a scope. */
  readonly id: string;
  readonly commandId: string;
  readonly targetId: string;
  readonly commandType: string;
  /** Undefined if only the command's feedback is in the archive. */
  readonly request: StoredEvent | undefined;
  readonly progress: StoredEvent | undefined;
  readonly result: StoredEvent | undefined;
  readonly state: CommandState;
}

export const commandLedger = new Ledger({ lanes: ["command"] }, ({ lane }) => lane === "command");
/** Whether only commands to the selected entity are listed. */
export const historySelectedOnly = signal(false);

/** All commands as of the clock, the newest first. */
export const commands = computed<readonly CommandRecord[]>(() => {
  const isWhole = commandLedger.olderKey.value === null;
  // Feedback whose request is older than the loaded pages is not listed as a command.
  return commandsOf(commandLedger.events.value).filter(({ request }) => isWhole || request !== undefined);
});

/** By scope and commandId. */
export const commandsById = computed(() => new Map(commands.value.map((one) => [one.id, one])));

/** The listed commands. */
export const shownCommands = computed(() =>
  historySelectedOnly.value && selectedEntity.value !== null ? commandsTo(selectedEntity.value) : commands.value,
);

/** The commands of one entity, the newest first. */
export function commandsTo(entity: Entity): readonly CommandRecord[] {
  const key = entityKey(entity);
  return commands.value.filter((one) => entityKey(one) === key);
}

/** The map key of a command in a scope. */
export function commandKey(of: { scopeId: string; commandId: string }): string {
  return `${of.scopeId} ${of.commandId}`;
}

/** The commands of events in the server's order, the newest first. */
export function commandsOf(events: readonly StoredEvent[]): CommandRecord[] {
  const found = new Map<string, CommandRecord>();
  for (const event of events) {
    const id = idOf(event);
    if (id !== undefined) found.set(id, withEvent(found.get(id), id, event));
  }
  return [...found.values()].sort(newerFirst(events));
}

/** Sorted by the position of the command's first event: its request, or the earliest known feedback. */
function newerFirst(events: readonly StoredEvent[]): (one: CommandRecord, two: CommandRecord) => number {
  const places = new Map(events.map((event, place) => [event, place]));
  const placeOf = ({ request, progress, result }: CommandRecord) =>
    places.get((request ?? progress ?? result) as StoredEvent) ?? 0;
  return (one, two) => placeOf(two) - placeOf(one);
}

function idOf(event: StoredEvent): string | undefined {
  const commandId = event["commandId"];
  return typeof commandId === "string" ? commandKey({ scopeId: event.scopeId, commandId }) : undefined;
}

/** A command after one more event: the first request counts, and the last progress and result. */
function withEvent(before: CommandRecord | undefined, id: string, event: StoredEvent): CommandRecord {
  const { scopeId, systemId, containerId, uniqueId } = before?.request ?? event;
  const type = event.messageType;
  const request = before?.request ?? (type === "CommandRequest" ? event : undefined);
  const progress = type === "CommandProgress" ? event : before?.progress;
  const result = type === "CommandResult" ? event : before?.result;
  const of = request ?? event;
  return {
    ...{ id, scopeId, systemId, containerId, uniqueId, request, progress, result },
    commandId: String(of["commandId"]),
    targetId: String(of["targetId"]),
    commandType: String(of["commandType"]),
    state: commandStateOf(progress, result),
  };
}

function commandStateOf(progress: StoredEvent | undefined, result: StoredEvent | undefined): CommandState {
  if (result !== undefined) return result["status"] === "success" ? "success" : "failure";
  if (progress === undefined) return "sent";
  return progress["message"] === WRITTEN ? "written" : "running";
}

/** Progress in percent: the last one reported, or 100 after success. */
export function percentOf({ state, progress }: Pick<CommandRecord, "state" | "progress">): number {
  if (state === "success") return 100;
  const percent = progress?.["progressPercent"];
  return typeof percent === "number" ? percent : 0;
}

/** The latest text of a command: its error, its result or its progress message. */
export function commandText({ state, progress, result }: Pick<CommandRecord, "state" | "progress" | "result">): string {
  if (state === "failure") return nonEmpty(result?.["errorMessage"]) ?? "failed, without a reason";
  const found = result?.["result"];
  if (found !== undefined && found !== null && Object.keys(found).length > 0) return membersText(found as object);
  return nonEmpty(progress?.["message"]) ?? "";
}

/** Members of a JSON object in one line. */
export function membersText(members: object): string {
  return Object.entries(members)
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(" · ");
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
