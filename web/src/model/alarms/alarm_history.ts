/** The transitions of alarms in the visible span up to the clock, newest first. */

import { signal } from "@preact/signals";
import type { AlarmTransition } from "../../api/protocol";
import { cursor, timebase } from "../clock/clock";
import { request } from "../session/session";
import { visible } from "../timeline/span";
import { fromFineMs, toFineMs } from "../values/time";

/** As many are read at first… */
const NEWEST = 500;
/** …and so many more each time older ones are asked for. */
const OLDER = 5_000;

/** Most of one reply, as the protocol allows. */
const PAGE_MAX = 5_000;

export const alarmTransitions = signal<readonly AlarmTransition[] | null>(null);
/** Whether there are older ones that are not listed. */
export const isHistoryCut = signal(false);
export const historyError = signal("");
/** How many are read, if there are as many. */
export const historyMost = signal(NEWEST);

let asked = 0;

/** Request the newest transitions. */
export async function refreshAlarmHistory(): Promise<void> {
  const mine = ++asked;
  const { startMs, stopMs } = visible.value;
  const endMs = Math.max(startMs, Math.min(stopMs, toFineMs(cursor.value)));
  const span = { startTime: fromFineMs(startMs), stopTime: fromFineMs(endMs) };
  try {
    const found: AlarmTransition[] = [];
    let afterKey: string | null | undefined;
    do {
      const limit = Math.min(PAGE_MAX, historyMost.value - found.length);
      const page = { reverse: true, limit, ...span, ...(afterKey == null ? {} : { afterKey }) };
      const reply = await request({ type: "alarmHistory", timebase: timebase.value, ...page }, "alarmHistoryResponse");
      if (mine !== asked) return;
      found.push(...reply.transitions);
      afterKey = reply.nextKey;
    } while (afterKey != null && found.length < historyMost.value);
    alarmTransitions.value = found;
    isHistoryCut.value = afterKey != null;
    historyError.value = "";
  } catch (error) {
    if (mine === asked) historyError.value = (error as Error).message;
    throw error;
  }
}

/** Read older ones too. */
export function readOlderHistory(): void {
  historyMost.value = (alarmTransitions.value?.length ?? 0) + OLDER;
}

/** Replies that are underway do not count, and what is listed is void. */
export function clearAlarmHistory(): void {
  asked++;
  alarmTransitions.value = null;
  historyMost.value = NEWEST;
}
