/**
 * Acknowledgements of alarms: metadata events that record who has seen which excursion. People make
 * them, so there are few: all of the archive's are held here, and those up to the clock apply.
 */

import { signal } from "@preact/signals";
import type { Timebase } from "../clock/clock";
import { request } from "../session/session";
import type { Entity, StoredEvent } from "../values/event";
import { entityKey, eventTime } from "../values/event";
import { normalTime } from "../values/event_order";
import { toMs } from "../values/time";
import type { Excursion } from "./excursion";
import { isAtLeastAsBad, type Severity } from "./limits";

export const ACKNOWLEDGED = "AlarmAcknowledged";
const PAGE_EVENTS = 1_000;

/** Who has acknowledged an excursion of a key, and its severity at that time. */
export interface Acknowledgement extends Entity {
  readonly eventId: string;
  readonly sourceTruthTime: string;
  readonly canonicalTruthTime: string;
  readonly viewId: string;
  readonly key: string;
  readonly severity: Severity;
  /** The source time at which the excursion began. */
  readonly since: string;
  readonly user: string;
}

/** By alarm, in the order in which the archive received them. */
export const acknowledgements = signal<ReadonlyMap<string, readonly Acknowledgement[]>>(new Map());

const knownIds = new Set<string>();
let lastKey: string | undefined;

/** The map key of one key of a view of an entity. */
export function alarmKey(of: Entity & { viewId: string; key: string }): string {
  return `${entityKey(of)} ${of.viewId} ${of.key}`;
}

/** Request the acknowledgements that are new since the last request. */
export async function refreshAcknowledgements(): Promise<void> {
  let afterKey: string | undefined = lastKey;
  for (;;) {
    const reply = await request(
      {
        type: "query",
        timebase: "canonical",
        filters: { lanes: ["metadata"], messageTypes: [ACKNOWLEDGED] },
        limit: PAGE_EVENTS,
        timelineMode: "REPLAY",
        ...(afterKey === undefined ? {} : { afterKey }),
      },
      "queryResponse",
    );
    applyAcknowledgements(reply.events as StoredEvent[]);
    if (reply.nextKey == null) return;
    lastKey = afterKey = reply.nextKey;
  }
}

/** Apply the acknowledgements among events. */
export function applyAcknowledgements(events: readonly StoredEvent[]): void {
  const found = events.flatMap((event) => acknowledgementOf(event) ?? []).filter(({ eventId }) => !knownIds.has(eventId));
  if (found.length === 0) return;
  const next = new Map(acknowledgements.value);
  for (const one of found) {
    knownIds.add(one.eventId);
    const key = alarmKey(one);
    next.set(key, [...(next.get(key) ?? []), one]);
  }
  acknowledgements.value = next;
}

/** Clear them: another user may see other scopes. */
export function clearAcknowledgements(): void {
  knownIds.clear();
  lastKey = undefined;
  acknowledgements.value = new Map();
}

/** The acknowledgement in an event; undefined for other events and malformed payloads. */
export function acknowledgementOf(event: StoredEvent): Acknowledgement | undefined {
  if (event.lane !== "metadata" || event.messageType !== ACKNOWLEDGED) return undefined;
  const { viewId, key, severity, since, user } = (event["payload"] ?? {}) as Record<string, unknown>;
  const isWhole = [viewId, key, since, user].every((one) => typeof one === "string");
  if (!isWhole || (severity !== "warning" && severity !== "critical")) return undefined;
  if (Number.isNaN(toMs(since as string))) return undefined;
  const { scopeId, systemId, containerId, uniqueId, eventId, sourceTruthTime, canonicalTruthTime } = event;
  return {
    ...{ scopeId, systemId, containerId, uniqueId, eventId, sourceTruthTime, canonicalTruthTime },
    ...{ viewId, key, since, user, severity },
  } as Acknowledgement;
}

/**
 * The latest acknowledgement of an excursion as of a time, if its severity was then at least as high
 * as it is now. An acknowledgement from before the excursion began belongs to an earlier one.
 */
export function acknowledgedBy(
  all: readonly Acknowledgement[] | undefined,
  excursion: Excursion | undefined,
  severity: Severity,
  until: string | undefined,
  timebase: Timebase,
): Acknowledgement | undefined {
  if (all === undefined || excursion === undefined) return undefined;
  const bound = until === undefined ? undefined : normalTime(until);
  return all
    .filter(
      (one) =>
        normalTime(one.since) >= excursion.since &&
        isAtLeastAsBad(one.severity, severity) &&
        (bound === undefined || normalTime(eventTime(one, timebase)) <= bound),
    )
    .at(-1);
}
