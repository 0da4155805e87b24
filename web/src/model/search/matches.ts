/** Matches of searches: where they begin and end, of which entity they are, and in words what matched. */

import type { FieldFinding } from "../../api/protocol";
import { entityName } from "../entities/entity_names";
import type { Marker } from "../timeline/markers";
import { durationText } from "../timeline/ticks";
import { type Entity, eventKind, eventSummary, eventTime, type StoredEvent, valueRows, valueText } from "../values/event";
import { compareTimes, toFineMs } from "../values/time";
import { type FieldSpec, hasValue, type TextSpec } from "./search_spec";

export interface Match {
  /** In the timebase of the search, as `stop` is: where it begins. */
  readonly time: string;
  readonly stop: string;
  readonly entity: Entity;
  /** The field, or the type of the event. */
  readonly what: string;
  /** The values, or the text around the one that was searched. */
  readonly text: string;
  /** The number of its search. */
  readonly search: number;
}

/** Characters of a long text before what was found in it. */
const BEFORE_CHARS = 30;
const EXCERPT_CHARS = 120;

/** The match of a finding. */
export function matchOfFinding(finding: FieldFinding, spec: FieldSpec, search: number): Match {
  const { scopeId, systemId, containerId, uniqueId } = spec.series;
  return {
    time: finding.startTime,
    stop: finding.stopTime,
    entity: { scopeId, systemId, containerId, uniqueId },
    what: spec.field,
    text: findingText(finding, spec),
    search,
  };
}

function findingText({ samples, min, max, before, after }: FieldFinding, spec: FieldSpec): string {
  if (spec.comparison === "gap") return "no value";
  if (spec.comparison === "change") return `${valueText(before)} → ${valueText(after)}`;
  const count = samples === 1 ? "1 value" : `${(samples ?? 0).toLocaleString("en")} values`;
  if (min == null || max == null) return hasValue(spec.comparison) && spec.comparison === "equal" ? `${spec.value}, ${count}` : count;
  return min === max ? `${valueText(min)}, ${count}` : `${valueText(min)} to ${valueText(max)}, ${count}`;
}

/** The match of an event that has a text. */
export function matchOfEvent(event: StoredEvent, spec: TextSpec, timebase: "source" | "canonical", search: number): Match {
  const { scopeId, systemId, containerId, uniqueId } = event;
  const time = eventTime(event, timebase);
  const what = event.lane === "command" ? String(event["commandType"] ?? eventKind(event)) : eventKind(event);
  const text = excerptOf(event, spec.text) || `→ ${String(event["targetId"] ?? event.lane)}`;
  return { time, stop: time, entity: { scopeId, systemId, containerId, uniqueId }, what, text, search };
}

/** The value that has the text, cut to a line around it; the event's first values if only its type has it. */
export function excerptOf(event: StoredEvent, text: string): string {
  const wanted = folded(text);
  for (const [path, value] of valueRows(event)) {
    const whole = String(value);
    const at = folded(whole).indexOf(wanted);
    if (at < 0) continue;
    const from = Math.max(0, at - BEFORE_CHARS);
    const cut = whole.slice(from, from + EXCERPT_CHARS);
    const shown = `${from > 0 ? "…" : ""}${cut}${from + EXCERPT_CHARS < whole.length ? "…" : ""}`;
    return event.messageType === "ChatMessage" || path === "" ? shown : `${path} ${shown}`;
  }
  return eventSummary(event);
}

/** Upper and lower case alike, as the Core compares; a capital I with a dot counts as i, of which the dot is no part. */
function folded(text: string): string {
  return text.toLowerCase().replaceAll("i\u0307", "i");
}

/** How long a match lasts; empty for a moment. */
export function lengthText({ time, stop }: Match): string {
  const ms = toFineMs(stop) - toFineMs(time);
  return ms > 0 ? durationText(ms) : "";
}

/** Matches in the order of time, those of several searches too. */
export function inOrder(matches: readonly Match[]): Match[] {
  return [...matches].sort((one, other) => compareTimes(one.time, other.time) || one.search - other.search);
}

/** Matches at the next moment after a time, or at the last one before it, of matches in order. */
export function matchBeside(matches: readonly Match[], time: string, direction: "next" | "previous"): Match | undefined {
  const beside = matches.findIndex((one) => compareTimes(one.time, time) > (direction === "next" ? 0 : -1));
  if (direction === "next") return matches[beside];
  return matches[(beside < 0 ? matches.length : beside) - 1];
}

/** The markers of matches on the timeline. */
export function matchMarkersOf(matches: readonly Match[]): Marker[] {
  return matches.map((match) => ({
    ms: toFineMs(match.time),
    stopMs: toFineMs(match.stop),
    kind: "match",
    text: `${entityName(match.entity)} ${match.what}: ${match.text}`,
  }));
}
