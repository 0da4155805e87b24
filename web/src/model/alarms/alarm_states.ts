/** The abnormal alarms as of the clock, as the Core judges them: received from it LIVE, of a window in a replay. */

import { batch, computed, signal } from "@preact/signals";
import type { AlarmUpdates } from "../../api/protocol";
import { Emitter } from "../../emitter";
import { cursor, state, timebase } from "../clock/clock";
import { absence } from "../session/session";
import { compareTimes, toMs } from "../values/time";
import { type AlarmStates, type AlarmWindow, replaced, unlessSame } from "./alarm_window";

const NONE: AlarmStates = new Map();

/** How far the Core has judged: by canonical time; null if it has judged nothing, undefined before it has answered. */
interface Judgement {
  readonly until: string | null | undefined;
  readonly isBehind: boolean;
}
const UNKNOWN: Judgement = { until: undefined, isBehind: false };

/** The alarms of the present, wherever the clock is. */
export const presentStates = signal<AlarmStates>(NONE);
const presentJudgement = signal(UNKNOWN);
/** The window of a replay; null until it is read. */
export const alarmWindow = signal<AlarmWindow | null>(null);
const windowJudgement = signal(UNKNOWN);
/** Whether the Core has said nothing of the alarms for a while, although it should. */
export const isSilent = signal(false);
/** Whether what is shown is of another time than the clock's. */
const isAwaited = signal(true);

/** How far the Core's clock is ahead of this browser's, in ms. */
let coreAheadMs = 0;

/** Now, by the Core's clock. */
export function coreNowMs(): number {
  return Date.now() + coreAheadMs;
}

/** Emits with each message of the present. */
export const presentAlarms = new Emitter<[states: AlarmStates, time: string]>();

const isLive = computed(() => state.value === "LIVE");
const judgement = computed(() => (isLive.value ? presentJudgement.value : windowJudgement.value));

/** Whether nothing is judged as far as the present: then no moment that is not settled can be. */
export const isPresentBehind = computed(() => presentJudgement.value.isBehind);

/** How far what is shown is judged. */
export const judgedUntil = computed(() => judgement.value.until);
let shown: AlarmStates = NONE;

export const alarmsPending = computed(() => isAwaited.value || (!isLive.value && alarmWindow.value?.covers(cursor.value) !== true));

/** The abnormal alarms, by key. Where the clock has left the window, those of before are shown until it is read again. */
export const alarmStates = computed<AlarmStates>(() => {
  if (isLive.value) return (shown = unlessSame(shown, presentStates.value));
  const window = alarmWindow.value;
  if (window?.covers(cursor.value) === true) shown = unlessSame(shown, window.statesAt(cursor.value));
  return shown;
});

/** Apply a message of the present. */
export function applyPresent({ whole, alarms, judged, behind, time }: AlarmUpdates): void {
  if (time !== "") coreAheadMs = toMs(time) - Date.now();
  batch(() => {
    presentStates.value = replaced(whole === true ? NONE : presentStates.value, alarms);
    presentJudgement.value = { until: judged ?? null, isBehind: behind === true };
    isSilent.value = false;
    if (isLive.value) isAwaited.value = false;
  });
  presentAlarms.emit(presentStates.value, time);
}

/** Show a window of a replay. */
export function applyWindow(window: AlarmWindow, judged: string | null | undefined, behind: boolean | undefined): void {
  batch(() => {
    alarmWindow.value = window;
    windowJudgement.value = { until: judged ?? null, isBehind: behind === true };
    isAwaited.value = false;
  });
}

/** What is shown is of another time, timebase or direction; of another user nothing of it remains. */
export function invalidateStates({ isOtherUser = false, isOtherTimebase = false }): void {
  batch(() => {
    isAwaited.value = true;
    if (isOtherUser || isOtherTimebase || alarmWindow.value?.covers(cursor.value) !== true) alarmWindow.value = null;
    if (!isOtherUser) return;
    shown = presentStates.value = NONE;
    presentJudgement.value = windowJudgement.value = UNKNOWN;
  });
}

/** The window has the clock's time: nothing has to be read. */
export function keepWindow(): void {
  isAwaited.value = false;
}

/** Why alarms of the present may be missing; empty if none are. */
export const presentTrouble = computed(() => {
  if (absence.value !== "") return `${absence.value} The alarms shown may be out of date.`;
  if (isSilent.value) return "The Core does not report alarms: those shown may be out of date.";
  return troubleOf(presentJudgement.value);
});

/** Why alarms as of the clock may be missing; empty if none are. */
export const alarmsTrouble = computed(() => {
  if (isLive.value) return presentTrouble.value;
  const { until } = windowJudgement.value;
  const isReached = until != null && timebase.value === "canonical" && compareTimes(cursor.value, until) <= 0;
  return isReached ? "" : troubleOf(windowJudgement.value);
});

function troubleOf({ until, isBehind }: Judgement): string {
  if (until === null) return "Alarms are not judged yet: their data is being built. States of before are missing until then.";
  if (until === undefined || !isBehind) return "";
  return `Alarms are behind: what was received after ${until.slice(0, 19).replace("T", " ")} UTC is not judged yet.`;
}

/** Whether the Core has judged the present. */
export const isPresentJudged = computed(() => presentJudgement.value.until != null && presentTrouble.value === "");

/** Whether values without an alarm are known to be in limits. */
export const isJudged = computed(() => judgedUntil.value != null && alarmsTrouble.value === "");
