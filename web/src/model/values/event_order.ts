/**
 * The server's order of a view's updates, as texts that compare like it: time in the timebase to the
 * nanosecond, then eventId. (Updates of a view share their lane, which stands between the two.)
 */

import type { Timebase } from "../clock/clock";
import { eventTime, type StoredEvent } from "./event";
import { fromNs, toNs } from "./time";

const NORMAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?Z$/;
const WHOLE_SECOND_CHARS = "2026-01-01T00:00:00".length;
/** Behind every time that a server can hold. */
export const AFTER_ALL_EVENTS = "~";

/** A time in its normal form: UTC, nine digits; equal times are equal texts, and earlier ones less. */
export function normalTime(time: string): string {
  const match = NORMAL.exec(time);
  if (match === null) return fromNs(toNs(time));
  const digits = match[1] ?? "";
  if (digits.length === 9) return time;
  return `${time.slice(0, WHOLE_SECOND_CHARS)}.${digits.padEnd(9, "0")}Z`;
}

/** Where an event stands in the order of a timebase. */
export function eventOrder(event: StoredEvent, timebase: Timebase): string {
  return `${normalTime(eventTime(event, timebase))} ${event.eventId}`;
}

/** Where an update stands of which the time is known and the eventId may not be. */
export function orderAt(time: string, eventId = ""): string {
  return `${normalTime(time)} ${eventId}`;
}

/** The time of a place in the order. */
export function orderTime(order: string): string {
  return order.slice(0, order.indexOf(" "));
}

/** Whether a place is known to the eventId. */
export function isExactOrder(order: string): boolean {
  return !order.endsWith(" ");
}
