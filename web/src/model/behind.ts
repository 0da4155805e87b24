/** What this browser did not get: events shed because it was slow, or missed while it was not connected. */

import { signal } from "@preact/signals";
import type { StreamGap } from "../api/protocol";
import { compareTimes, readable } from "./time";

/** Events that were not sent, between two times; the latest report came at a ms of this browser's clock. */
export interface Behind {
  readonly shed: number;
  readonly fromTime: string;
  readonly toTime: string;
  readonly atMs: number;
}

/** A time without connection, for which LIVE could not be taken up where it was. */
export interface Missed {
  readonly fromTime: string;
  readonly toTime: string;
}

/** A browser that was told so lately is still behind. */
const STILL_BEHIND_MS = 3_000;
/** The note goes by itself once the browser has been at the present for so long; the sign stays. */
const NOTE_MS = STILL_BEHIND_MS + 10_000;

export const behind = signal<Behind | null>(null);
export const missed = signal<Missed | null>(null);
/** Whether it still is so, as far as is known. */
export const isBehind = signal(false);
/** Whether the note is on the screen; the sign in the timeline bar brings it back. */
export const isNoted = signal(false);

let isRecalled = false;

/** Take in a report of the server's; reports add up until they are dismissed. */
export function noteGap(gap: StreamGap, nowMs: number): void {
  const known = behind.value;
  behind.value = {
    shed: (known?.shed ?? 0) + gap.shed,
    fromTime: known !== null && compareTimes(known.fromTime, gap.fromTime) < 0 ? known.fromTime : gap.fromTime,
    toTime: known !== null && compareTimes(known.toTime, gap.toTime) > 0 ? known.toTime : gap.toTime,
    atMs: nowMs,
  };
  isBehind.value = true;
  isNoted.value = true;
  isRecalled = false;
}

/** Look whether the browser has caught up. */
export function tendBehind(nowMs: number): void {
  const sinceMs = behind.value === null ? Infinity : nowMs - behind.value.atMs;
  isBehind.value = sinceMs < STILL_BEHIND_MS;
  if (sinceMs >= NOTE_MS && !isRecalled) isNoted.value = false;
}

/** Show the note again; now it stays until it is dismissed. */
export function recall(): void {
  isRecalled = true;
  isNoted.value = true;
}

/** Say that LIVE goes on at present, without what came in between. */
export function noteMissed(fromTime: string, toTime: string): void {
  missed.value = { fromTime: missed.value?.fromTime ?? fromTime, toTime };
}

/** Say no more of it. */
export function dismiss(): void {
  behind.value = null;
  missed.value = null;
  isBehind.value = false;
  isNoted.value = false;
  isRecalled = false;
}

/** What was shed, in words. */
export function behindInWords(of: Behind): string {
  const count = `${of.shed.toLocaleString("en")} ${of.shed === 1 ? "event" : "events"}`;
  return (
    `This browser is slower than the stream: ${count} received from ${readable(of.fromTime)} ` +
    `until ${readable(of.toTime)} UTC were not sent to it. The archive has them.`
  );
}

/** What was missed, in words. */
export function missedInWords(of: Missed): string {
  return (
    `Nothing could be received from ${readable(of.fromTime)} until ${readable(of.toTime)} UTC. ` +
    "LIVE goes on at present; what came in between is in the archive."
  );
}
