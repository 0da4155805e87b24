/** The timeline's markers: gaps in the received data, chat messages, notes, commands with their state, raised alarms, and matches of searches. */

import type { AlarmTransition } from "../../api/protocol";
import { alarmName, rankOf, type RuleSeverity } from "../alarms/alarm_list";
import type { Timebase } from "../clock/clock";
import { commandsOf, type CommandState, commandText, percentOf } from "../commands/command_history";
import { entityName } from "../entities/entity_names";
import type { StoredEvent } from "../values/event";
import { entityKey, eventTime } from "../values/event";
import { toFineMs } from "../values/time";

export interface Marker {
  readonly ms: number;
  readonly kind: "gap" | "chat" | "command" | "alarm" | "match" | "note";
  readonly text: string;
  /** Where a match or a note ends. */
  readonly stopMs?: number;
  /** The state of a command's marker. */
  readonly state?: CommandState;
  /** How bad an alarm is from its marker on. */
  readonly severity?: RuleSeverity;
  /** The key of its entity. */
  readonly entity?: string;
}

export const MARKER_TYPES = ["IngestGap", "ChatMessage"] as const;
export const MARKERS_MAX = 200;

/** The markers of events, in their order. */
export function markersOf(events: readonly StoredEvent[], timebase: Timebase): Marker[] {
  return events.map((event) => {
    const ms = toFineMs(eventTime(event, timebase));
    if (event.messageType !== "ChatMessage") return { ms, kind: "gap", text: gapText(event) };
    return { ms, kind: "chat", text: `${memberText(event["authorDisplayName"])}: ${memberText(event["content"])}` };
  });
}

/** The markers of commands: where each was requested, with its state according to the given events. */
export function commandMarkersOf(events: readonly StoredEvent[], timebase: Timebase): Marker[] {
  return commandsOf(events).flatMap((command) => {
    const { request, state, commandType, targetId } = command;
    if (request === undefined) return [];
    const known = state === "running" ? `${Math.round(percentOf(command))} %` : state;
    const words = commandText(command);
    const text = `${commandType} → ${targetId}: ${known}${words === "" ? "" : `, ${words}`}`;
    return [{ ms: toFineMs(eventTime(request, timebase)), kind: "command", text, state }];
  });
}

/** The markers of alarms: where each was raised or became worse, the worst last. */
export function alarmMarkersOf(transitions: readonly AlarmTransition[]): Marker[] {
  const found = transitions.filter(({ change }) => change === "raised" || change === "worsened");
  return found
    .sort((one, other) => rankOf(one.alarm) - rankOf(other.alarm))
    .map(({ time, change, alarm }) => {
      const severity = alarm.severity ?? "watch";
      const text = `${alarmName(alarm)} of ${entityName(alarm)}: ${change === "raised" ? "" : "worsened to "}${severity}`;
      return { ms: toFineMs(time), kind: "alarm", text, severity, entity: entityKey(alarm) };
    });
}

function gapText(event: StoredEvent): string {
  const of = (event["payload"] ?? {}) as Record<string, unknown>;
  return `gap in ${memberText(of["topic"])}: ${memberText(of["from"])} to ${memberText(of["to"])} (${memberText(of["reason"])})`;
}

function memberText(value: unknown): string {
  return value === undefined || value === null ? "?" : String(value);
}

/** The markers of alarms of these entities. */
export function alarmsOfEntities(markers: readonly Marker[], entities: ReadonlySet<string>): Marker[] {
  return markers.filter(({ entity }) => entity !== undefined && entities.has(entity));
}

/** The markers within this many ms of a time. */
export function markersNear(markers: readonly Marker[], ms: number, withinMs: number): Marker[] {
  return markers.filter((marker) => Math.abs(marker.ms - ms) <= withinMs);
}
