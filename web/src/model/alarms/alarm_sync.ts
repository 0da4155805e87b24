/** Keeps the alarms in sync with the clock: of the present they are received, of a replay read ahead, of a paused clock once. */

import { effect, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { cursor, jumps, state, timebase } from "../clock/clock";
import { singleFlight } from "../page/single_flight";
import { alarmFrames, connection, coreUnavailable, recoveries, user } from "../session/session";
import { visible } from "../timeline/span";
import { startBell } from "./alarm_bell";
import { clearAlarmHistory, historyError, historyMost, refreshAlarmHistory } from "./alarm_history";
import { alarmListing, alarmsError } from "./alarm_list";
import { areAlarmsFollowed, checkAlarms, followAlarms, loseAlarms, receiveAlarms } from "./alarm_live";
import { invalidateWindow, isWindowDue, refreshWindow, reuseWindow } from "./alarm_replay";
import { alarmStates, invalidateStates } from "./alarm_states";

/** Least time between two windows. */
const WINDOW_PACE_MS = 250;
const CHECK_INTERVAL_MS = 1_000;
/** The history is read this long after what it depends on has changed. */
const HISTORY_PACE_MS = 300;

const readWindow = singleFlight(async () => {
  try {
    await refreshWindow();
    alarmsError.value = "";
  } catch (error) {
    alarmsError.value = (error as Error).message;
  }
});
const readHistory = singleFlight(refreshAlarmHistory);

/** Connect the alarms to the clock; called once. */
export function startAlarmSync(): void {
  startBell();
  alarmFrames.subscribe(receiveAlarms);
  followClock();
  followHistory();
  recoveries.subscribe(askAgain);
  const isReplay = () => isOpen() && state.value !== "LIVE";
  scheduler.every(WINDOW_PACE_MS, () => isWindowDue(Date.now()) && readWindow(), { when: isReplay });
  scheduler.every(CHECK_INTERVAL_MS, checkAlarms, { when: isOpen });
}

function followClock(): void {
  let [ofUser, ofTimebase] = [user.value, timebase.value];
  effect(() => {
    void [jumps.value, connection.value, coreUnavailable.value, state.value, user.value];
    untracked(() => {
      invalidateWindow();
      invalidateStates({ isOtherUser: user.value !== ofUser, isOtherTimebase: timebase.value !== ofTimebase });
      [ofUser, ofTimebase] = [user.value, timebase.value];
      // The clock's own requests come first.
      queueMicrotask(ask);
    });
  });
}

/** Ask for the alarms at the clock in the way of its state. */
function ask(): void {
  if (!isOpen()) loseAlarms();
  else if (state.value === "LIVE") followAlarms();
  else {
    if (!areAlarmsFollowed()) followAlarms();
    if (!reuseWindow()) readWindow();
  }
}

/** Replies are to be had again; what was followed may be lost. */
function askAgain(): void {
  loseAlarms();
  ask();
  if (alarmListing.value === "history") readHistory();
}

function followHistory(): void {
  effect(() => {
    void [jumps.value, alarmListing.value, user.value];
    untracked(clearAlarmHistory);
  });
  const pause = scheduler.slot();
  effect(() => {
    const at = state.value === "PLAYING" ? Math.floor(Date.parse(cursor.value) / CHECK_INTERVAL_MS) : 0;
    void [at, jumps.value, alarmStates.value, connection.value, visible.value, historyError.value, historyMost.value];
    if (alarmListing.value !== "history") return;
    pause.startIfIdle(HISTORY_PACE_MS, () => isOpen() && readHistory());
  });
}

function isOpen(): boolean {
  return connection.value === "open";
}
