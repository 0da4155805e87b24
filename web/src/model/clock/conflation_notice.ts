/** What this browser did not get: events shed because it was slow, or missed while it was not connected. */

import { signal } from "@preact/signals";
import type { StreamGap } from "../../api/protocol";
import { compareTimes, formatTime } from "../values/time";

/** Events that were not sent, between two times; the latest report came at a ms of this browser's clock. */
export interface ConflationNotice {
  readonly dropped: number;
  readonly fromTime: string;
  readonly toTime: string;
  readonly atMs: number;
}

/** A time without connection, for which LIVE could not be taken up where it was. */
export interface MissedInterval {
  readonly fromTime: string;
  readonly toTime: string;
}

/** A browser that was told so lately is still behind. */
const STILL_BEHIND_MS = 3_000;
/** The note goes by itself once the browser has been at the present for so long; the sign stays. */
const NOTICE_MS = STILL_BEHIND_MS + 10_000;

export const conflation = signal<ConflationNotice | null>(null);
export const missed = signal<MissedInterval | null>(null);
/** Whether it still is so, as far as is known. */
export const isBehind = signal(false);
/** Whether the note is on the screen; the sign in the timeline bar brings it back. */
export const isNoticeShown = signal(false);

let isPinned = false;

/** Take in a report of the server's; reports add up until they are dismissed. */
export function reportConflation(gap: StreamGap, nowMs: number): void {
  const known = conflation.value;
  conflation.value = {
    dropped: (known?.dropped ?? 0) + gap.shed,
    fromTime: known !== null && compareTimes(known.fromTime, gap.fromTime) < 0 ? known.fromTime : gap.fromTime,
    toTime: known !== null && compareTimes(known.toTime, gap.toTime) > 0 ? known.toTime : gap.toTime,
    atMs: nowMs,
  };
  isBehind.value = true;
  isNoticeShown.value = true;
  isPinned = false;
}

/** Look whether the browser has caught up. */
export function updateConflation(nowMs: number): void {
  const sinceMs = conflation.value === null ? Infinity : nowMs - conflation.value.atMs;
  isBehind.value = sinceMs < STILL_BEHIND_MS;
  if (sinceMs >= NOTICE_MS && !isPinned) isNoticeShown.value = false;
}

/** Show the note again; now it stays until it is dismissed. */
export function pinNotice(): void {
  isPinned = true;
  isNoticeShown.value = true;
}

/** Say that LIVE goes on at present, without what came in between. */
export function reportMissed(fromTime: string, toTime: string): void {
  missed.value = { fromTime: missed.value?.fromTime ?? fromTime, toTime };
}

/** Say no more of it. */
export function dismissNotices(): void {
  conflation.value = null;
  missed.value = null;
  isBehind.value = false;
  isNoticeShown.value = false;
  isPinned = false;
}

/** What was shed, in words. */
export function conflationText(of: ConflationNotice): string {
  const count = `${of.dropped.toLocaleString("en")} ${of.dropped === 1 ? "event" : "events"}`;
  return (
    `This browser is slower than the stream: ${count} received from ${formatTime(of.fromTime)} ` +
    `until ${formatTime(of.toTime)} UTC were not sent to it. The archive has them.`
  );
}

/** What was missed, in words. */
export function missedText(of: MissedInterval): string {
  return (
    `Nothing could be received from ${formatTime(of.fromTime)} until ${formatTime(of.toTime)} UTC. ` +
    "LIVE goes on at present; what came in between is in the archive."
  );
}
