/**
 * The server's order of a view's updates, as strings that sort the same way: time in the timebase to the
 * nanosecond, then eventId. (Updates of a view share their lane, which stands between the two.)
 */

import type { Timebase } from "../clock/clock";
import { eventTime, type StoredEvent } from "./event";
import { fromNs, toNs } from "./time";

const NORMAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?Z$/;
const WHOLE_SECOND_CHARS = "2026-01-01T00:00:00".length;
/** Sorts after every time that a server can hold. */
export const AFTER_ALL_EVENTS = "~";

/** A time in its normal form: UTC, nine digits; equal times give equal strings, earlier ones sort first. */
export function normalTime(time: string): string {
  const match = NORMAL.exec(time);
  if (match === null) return fromNs(toNs(time));
  const digits = match[1] ?? "";
  if (digits.length === 9) return time;
  return `${time.slice(0, WHOLE_SECOND_CHARS)}.${digits.padEnd(9, "0")}Z`;
}

/** The position of an event in the order of a timebase. */
export function eventOrder(event: StoredEvent, timebase: Timebase): string {
  return `${normalTime(eventTime(event, timebase))} ${event.eventId}`;
}

/** The position of an update whose time is known, and whose eventId may be unknown (empty). */
export function orderAt(time: string, eventId = ""): string {
  return `${normalTime(time)} ${eventId}`;
}

/** The time of a position in the order. */
export function orderTime(order: string): string {
  return order.slice(0, order.indexOf(" "));
}

/** Whether a position includes the eventId. */
export function isExactOrder(order: string): boolean {
  return !order.endsWith(" ");
}
