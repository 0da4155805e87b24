/** Notices of events this browser did not get: dropped by conflation, or missed while disconnected. */

import { signal } from "@preact/signals";
import type { StreamGap } from "../../api/protocol";
import { compareTimes, formatTime } from "../values/time";

/** Events that were not sent, between two times. `atMs`: the time of the latest report by this browser's clock. */
export interface ConflationNotice {
  readonly dropped: number;
  readonly fromTime: string;
  readonly toTime: string;
  readonly atMs: number;
}

/** An outage after which LIVE could not resume where it was interrupted. */
export interface MissedInterval {
  readonly fromTime: string;
  readonly toTime: string;
}

/** A browser counts as behind for this long after a report. */
const STILL_BEHIND_MS = 3_000;
/** The notice hides once the browser has kept up for this long; the sign in the timeline bar stays. */
const NOTICE_MS = STILL_BEHIND_MS + 10_000;

export const conflation = signal<ConflationNotice | null>(null);
export const missed = signal<MissedInterval | null>(null);
/** Whether the browser is still behind. */
export const isBehind = signal(false);
/** Whether the notice is visible; the sign in the timeline bar shows it again. */
export const isNoticeShown = signal(false);

let isPinned = false;

/** Add a report of the server; reports add up until they are dismissed. */
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

/** Update whether the browser has caught up. */
export function updateConflation(nowMs: number): void {
  const sinceMs = conflation.value === null ? Infinity : nowMs - conflation.value.atMs;
  isBehind.value = sinceMs < STILL_BEHIND_MS;
  if (sinceMs >= NOTICE_MS && !isPinned) isNoticeShown.value = false;
}

/** Show the notice again; now it stays until it is dismissed. */
export function pinNotice(): void {
  isPinned = true;
  isNoticeShown.value = true;
}

/** Report that LIVE continues at the present, without the events of an interval. */
export function reportMissed(fromTime: string, toTime: string): void {
  missed.value = { fromTime: missed.value?.fromTime ?? fromTime, toTime };
}

/** Dismiss both notices. */
export function dismissNotices(): void {
  conflation.value = null;
  missed.value = null;
  isBehind.value = false;
  isNoticeShown.value = false;
  isPinned = false;
}

/** The number of conflated events as text. */
export function conflationText(of: ConflationNotice): string {
  const count = `${of.dropped.toLocaleString("en")} ${of.dropped === 1 ? "event" : "events"}`;
  return (
    `This browser is slower than the stream: ${count} received from ${formatTime(of.fromTime)} ` +
    `until ${formatTime(of.toTime)} UTC were not sent to it. The archive has them.`
  );
}

/** The missed interval as text. */
export function missedText(of: MissedInterval): string {
  return (
    `Disconnected from ${formatTime(of.fromTime)} until ${formatTime(of.toTime)} UTC. ` +
    "LIVE continues at the present; the data of that time is in the archive."
  );
}
