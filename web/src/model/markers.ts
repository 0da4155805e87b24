/** Single events that the timeline marks: gaps in what was received, and what people said. */

import type { StoredEvent } from "./event";
import { timeOf } from "./event";
import { toFineMs } from "./time";
import type { Timebase } from "./timeline";

export interface Marker {
  readonly ms: number;
  readonly kind: "gap" | "chat";
  readonly text: string;
}

export const MARKER_TYPES = ["IngestGap", "ChatMessage"] as const;
export const MARKERS_MAX = 200;

/** The markers of events, in their order. */
export function markersOf(events: readonly StoredEvent[], timebase: Timebase): Marker[] {
  return events.map((event) => {
    const ms = toFineMs(timeOf(event, timebase));
    if (event.messageType !== "ChatMessage") return { ms, kind: "gap", text: gapInWords(event) };
    return { ms, kind: "chat", text: `${text(event["authorDisplayName"])}: ${text(event["content"])}` };
  });
}

function gapInWords(event: StoredEvent): string {
  const of = (event["payload"] ?? {}) as Record<string, unknown>;
  return `gap in ${text(of["topic"])}: ${text(of["from"])} to ${text(of["to"])} (${text(of["reason"])})`;
}

function text(value: unknown): string {
  return value === undefined || value === null ? "?" : String(value);
}

/** The markers within so many ms of a time. */
export function near(markers: readonly Marker[], ms: number, withinMs: number): Marker[] {
  return markers.filter((marker) => Math.abs(marker.ms - ms) <= withinMs);
}
