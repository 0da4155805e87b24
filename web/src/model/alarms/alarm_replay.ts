/** Reads the window of alarms around the clock: one moment while paused, and ahead of a clock that moves. */

import type { AlarmHistory, AlarmHistoryResponse, AlarmInfo, AlarmsResponse } from "../../api/protocol";
import { backwards, cursor, state, timebase, type Timebase } from "../clock/clock";
import { request } from "../session/session";
import { compareTimes, fromMs } from "../values/time";
import { alarmWindow, alarmsPending, applyWindow, coreNowMs, isPresentBehind, keepWindow } from "./alarm_states";
import { AlarmWindow, alarmKey, beforeTime, upToTime } from "./alarm_window";

/** Most alarms of one reply, and most transitions of a window. */
const PAGE_ALARMS = 5_000;
const WINDOW_TRANSITIONS = 2_000;
/** The next window is read once this share of the transitions is left… */
const SHARE_LEFT_MIN = 0.25;
/** …or the window is so old that late data may have changed it. */
const FRESH_MS = 30_000;
/** What was received just before a request may not be judged yet: such a window is read again. */
const UNSETTLED_MS = 1_000;
/** Sorts before all times. */
const BEGINNING = "";

interface ReadWindow {
  readonly of: AlarmWindow;
  readonly atMs: number;
  /** When the first of the readings that were not settled was asked for, by the Core's clock. */
  readonly sinceMs: number;
  readonly isReverse: boolean | undefined;
  /** Whether everything is judged that was received before that and counts at the clock. */
  readonly isSettled: boolean;
  /** Whether there are more transitions in its direction. */
  readonly isCut: boolean;
}

let known: ReadWindow | undefined;
let generation = 0;

/** Replies that are underway do not count any more. */
export function invalidateWindow(): void {
  generation++;
}

/** Whether the window has to be read, now or soon. */
export function isWindowDue(nowMs: number): boolean {
  if (known === undefined || known.of !== alarmWindow.value) return true;
  const ageMs = nowMs - known.atMs;
  const canSettle = state.value !== "PAUSED" || !isPresentBehind.value;
  if (!known.isSettled && ageMs >= UNSETTLED_MS && canSettle) return true;
  if (state.value !== "PLAYING") return alarmsPending.value;
  if (known.isReverse !== backwards.value || ageMs >= FRESH_MS) return true;
  if (!known.of.covers(cursor.value)) return known.isCut || ageMs >= UNSETTLED_MS;
  const after = known.of.shareAfter(cursor.value);
  return known.isCut && (known.isReverse ? 1 - after : after) < SHARE_LEFT_MIN;
}

/** Read the window at the clock, in the direction in which it moves. */
export async function refreshWindow(): Promise<void> {
  const mine = generation;
  const [time, base, sinceMs] = [cursor.value, timebase.value, unsettledSinceMs()];
  const isReverse = state.value === "PLAYING" ? backwards.value : undefined;
  const read = isReverse === undefined ? readMoment : isReverse ? readBefore : readAfter;
  const { of, reply, isCut } = await read(time, base);
  if (mine !== generation || state.value === "LIVE") return;
  const isSettled = reply.behind !== true && compareTimes(reply.settled, receivedBefore(time, base, sinceMs)) >= 0;
  known = { of, atMs: Date.now(), sinceMs, isReverse, isSettled, isCut };
  applyWindow(of, reply.judged, reply.behind);
}

/** When the reading of this place began; now, if what is known of it is settled. */
function unsettledSinceMs(): number {
  if (known === undefined || known.isSettled) return coreNowMs();
  return known.of === alarmWindow.value && known.of.covers(cursor.value) ? known.sinceMs : coreNowMs();
}

/** Events received later do not count: what has an earlier source time may have been received just now. */
function receivedBefore(time: string, base: Timebase, sinceMs: number): string {
  const since = fromMs(sinceMs);
  return base === "canonical" && compareTimes(time, since) < 0 ? time : since;
}

/** A window as it was read, and what the Core said with it. */
interface Reading {
  readonly of: AlarmWindow;
  readonly reply: Pick<AlarmHistoryResponse, "judged" | "behind" | "settled">;
  readonly isCut: boolean;
}

async function readMoment(time: string, base: Timebase): Promise<Reading> {
  const { states, reply } = await statesAt(time, base);
  return { of: new AlarmWindow(beforeTime(time), states, [], upToTime(time)), reply, isCut: false };
}

async function readAfter(time: string, base: Timebase): Promise<Reading> {
  const [{ states }, reply] = await Promise.all([statesAt(time, base), history({ timebase: base, startTime: time })]);
  const { transitions, settled, nextKey } = reply;
  const last = nextKey == null ? undefined : transitions.at(-1)?.time;
  // Of the last moment of a full page there may be more.
  const end = last === undefined ? upToTime(compareTimes(settled, time) > 0 ? settled : time) : beforeTime(last);
  const later = transitions.filter((one) => compareTimes(one.time, time) > 0 && beforeTime(one.time) < end);
  return { of: new AlarmWindow(beforeTime(time), states, later, end), reply, isCut: last !== undefined };
}

async function readBefore(time: string, base: Timebase): Promise<Reading> {
  const reply = await history({ timebase: base, stopTime: time, reverse: true });
  const all = reply.transitions.slice().reverse();
  const first = reply.nextKey == null ? undefined : all[0]?.time;
  const end = upToTime(time);
  // Before the first transition of all nothing was abnormal.
  if (first === undefined) return { of: new AlarmWindow(BEGINNING, new Map(), all, end), reply, isCut: false };
  const { states } = await statesAt(first, base);
  const later = all.filter((one) => compareTimes(one.time, first) > 0);
  return { of: new AlarmWindow(beforeTime(first), states, later, end), reply, isCut: true };
}

/** All abnormal alarms at a time. */
async function statesAt(time: string, base: Timebase): Promise<{ states: Map<string, AlarmInfo>; reply: AlarmsResponse }> {
  const found = new Map<string, AlarmInfo>();
  let afterKey: string | undefined;
  for (;;) {
    const page = afterKey === undefined ? {} : { afterKey };
    const message = { type: "alarms", listing: "abnormal", limit: PAGE_ALARMS, timebase: base, time, ...page } as const;
    const reply = await request(message, "alarmsResponse");
    for (const one of reply.alarms) found.set(alarmKey(one), one);
    if (reply.nextKey == null) return { states: found, reply };
    afterKey = reply.nextKey;
  }
}

function history(of: Omit<AlarmHistory, "type" | "ref">): Promise<AlarmHistoryResponse> {
  return request({ type: "alarmHistory", limit: WINDOW_TRANSITIONS, ...of }, "alarmHistoryResponse");
}

/** Continue with the window that is there, if it has the clock's time and is fresh. */
export function reuseWindow(): boolean {
  if (known === undefined || known.of !== alarmWindow.value || !known.of.covers(cursor.value)) return false;
  if (Date.now() - known.atMs >= FRESH_MS) return false;
  keepWindow();
  return true;
}
