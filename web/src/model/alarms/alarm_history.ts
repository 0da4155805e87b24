/** The transitions of alarms in the visible span up to the clock, newest first. */

import { signal } from "@preact/signals";
import type { AlarmTransition } from "../../api/protocol";
import { cursor, timebase } from "../clock/clock";
import { request } from "../session/session";
import { visible } from "../timeline/span";
import { fromFineMs, toFineMs } from "../values/time";

const TRANSITIONS_MAX = 500;

export const alarmTransitions = signal<readonly AlarmTransition[] | null>(null);
/** Whether there are older ones that are not listed. */
export const isHistoryCut = signal(false);
export const historyError = signal("");

let asked = 0;

/** Request the newest transitions. */
export async function refreshAlarmHistory(): Promise<void> {
  const mine = ++asked;
  const { startMs, stopMs } = visible.value;
  const endMs = Math.max(startMs, Math.min(stopMs, toFineMs(cursor.value)));
  const span = { startTime: fromFineMs(startMs), stopTime: fromFineMs(endMs) };
  const message = { type: "alarmHistory", timebase: timebase.value, reverse: true, limit: TRANSITIONS_MAX, ...span } as const;
  try {
    const { transitions, nextKey } = await request(message, "alarmHistoryResponse");
    if (mine !== asked) return;
    alarmTransitions.value = transitions;
    isHistoryCut.value = nextKey != null;
    historyError.value = "";
  } catch (error) {
    if (mine === asked) historyError.value = (error as Error).message;
    throw error;
  }
}

/** Replies that are underway do not count, and what is listed is void. */
export function clearAlarmHistory(): void {
  asked++;
  alarmTransitions.value = null;
}
