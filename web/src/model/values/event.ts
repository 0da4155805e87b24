/** Stored events as the screen uses them: identity, times, and values as rows. */

import { rawTextOf } from "../../api/raw_text";
import { formatExact, parseExact } from "./exact_json";

export type Lane = "metadata" | "command" | "ui" | "parsed" | "raw";

export interface StoredEvent {
  eventId: string;
  scopeId: string;
  lane: Lane;
  systemId: string;
  containerId: string;
  uniqueId: string;
  sourceTruthTime: string;
  canonicalTruthTime: string;
  messageType?: string;
  viewId?: string;
  bytes?: string;
  [member: string]: unknown;
}

export interface Entity {
  scopeId: string;
  systemId: string;
  containerId: string;
  uniqueId: string;
}

const SUMMARY_VALUES = 6;
const SUMMARY_MAX_CHARS = 160;

const HEADER_MEMBERS = new Set([
  "eventId",
  "scopeId",
  "lane",
  "systemId",
  "containerId",
  "uniqueId",
  "sourceTruthTime",
  "canonicalTruthTime",
  "messageType",
  "viewId",
  "manifestId",
  "manifestVersion",
  "schemaVersion",
]);

/** The map key of an entity. */
export function entityKey(of: Entity): string {
  return `${of.scopeId}/${of.systemId}/${of.containerId}/${of.uniqueId}`;
}

/** The map key of a series within its entity. */
export function seriesKey(event: StoredEvent): string {
  return `${event.lane} ${event.viewId ?? event.messageType ?? ""}`.trim();
}

/** The time of an event in a timebase. */
export function eventTime(
  event: Pick<StoredEvent, "sourceTruthTime" | "canonicalTruthTime">,
  timebase: "source" | "canonical",
): string {
  return timebase === "source" ? event.sourceTruthTime : event.canonicalTruthTime;
}

/** The value in a field of an event, nested names joined by dots; undefined if it has none. */
export function fieldValue(event: StoredEvent, field: string): unknown {
  let value: unknown = event["payload"] ?? event["data"];
  for (const name of field.split(".")) {
    if (value === null || typeof value !== "object") return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** The values of an event as [path, value] rows, from `payload`, `data` or the body. */
export function valueRows(event: StoredEvent): [string, unknown][] {
  if (event.lane === "raw") return [["bytes", hexText(event.bytes ?? "", 24)]];
  const body = event["payload"] ?? event["data"] ?? bodyOf(event);
  return flatten("", body);
}

function bodyOf(event: StoredEvent): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).filter(([name]) => !HEADER_MEMBERS.has(name)));
}

function flatten(path: string, value: unknown): [string, unknown][] {
  if (value === null || typeof value !== "object") return [[path, value]];
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object")) {
    return [[path, value.join(", ")]];
  }
  return Object.entries(value).flatMap(([name, inner]) =>
    flatten(path === "" ? name : `${path}.${name}`, inner),
  );
}

/** Base64 as spaced hex, cut after this many bytes. */
export function hexText(base64: string, maxBytes: number): string {
  const bytes = Array.from(atob(base64), (char) => char.charCodeAt(0));
  const shown = bytes.slice(0, maxBytes).map((byte) => byte.toString(16).padStart(2, "0"));
  const rest = bytes.length > maxBytes ? " …" : "";
  return `${shown.join(" ")}${rest} (${bytes.length} bytes)`;
}

/** An event whose numbers keep the digits of its raw text, if that is known. */
export function exactEvent(event: StoredEvent): Record<string, unknown> {
  const text = rawTextOf(event);
  return text === undefined ? event : (parseExact(text) as Record<string, unknown>);
}

/** The envelope as a producer would send it: without the fields that only the Core sets. */
export function envelopeText(event: StoredEvent): string {
  const { canonicalTruthTime: _, ...envelope } = exactEvent(event);
  return formatExact(envelope);
}

/** The type of an event, in a word or two. */
export function eventKind(event: StoredEvent): string {
  return event.viewId ?? event.messageType ?? "frame";
}

/** An event in one line: its first values. */
export function eventSummary(event: StoredEvent): string {
  const text = valueRows(event)
    .slice(0, SUMMARY_VALUES)
    .map(([path, value]) => (path === "" ? valueText(value) : `${path} ${valueText(value)}`))
    .join(" · ");
  return text.length > SUMMARY_MAX_CHARS ? `${text.slice(0, SUMMARY_MAX_CHARS)}…` : text;
}

/** A value as short text: numbers rounded for display, the rest unchanged. */
export function valueText(value: unknown): string {
  if (typeof value === "number" && !Number.isInteger(value)) {
    return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e9 ? String(+value.toFixed(6)) : String(value);
  }
  return String(value);
}
