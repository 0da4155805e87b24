/** Follows the alarms of the present, wherever the clock is: the Core sends what changes, and something every second or two. */

import { newId } from "../../api/ids";
import type { AlarmUpdates } from "../../api/protocol";
import { type Timebase, timebase } from "../clock/clock";
import { request } from "../session/session";
import { applyPresent, isSilent } from "./alarm_states";

/** Without a message for so long the page says so, and follows anew: the Core may have been restarted. */
const SILENCE_MAX_MS = 5_000;

let followId: string | undefined;
let followedTimebase: Timebase | undefined;
let heardMs = 0;

/** Follow from now on, in the clock's timebase. */
export function followAlarms(): void {
  // A silence continues when the clock goes LIVE again, as it does with each attempt to resume.
  if (followId === undefined) heardMs = Date.now();
  const id = (followId = newId());
  followedTimebase = timebase.value;
  request({ type: "followAlarms", followId: id, timebase: timebase.value }, "alarmsFollowed").catch(() => undefined);
}

/** Whether the alarms of the present are followed in the clock's timebase. */
export function areAlarmsFollowed(): boolean {
  return followId !== undefined && followedTimebase === timebase.value;
}

/** The connection is lost, and with it what it followed. */
export function loseAlarms(): void {
  followId = undefined;
}

/** Apply a message, unless it is of what the page followed before. */
export function receiveAlarms(frame: AlarmUpdates): void {
  if (frame.followId !== followId) return;
  heardMs = Date.now();
  applyPresent(frame);
}

/** Follow anew after a silence. */
export function checkAlarms(): void {
  if (followId === undefined || Date.now() - heardMs < SILENCE_MAX_MS) return;
  isSilent.value = true;
  loseAlarms();
  followAlarms();
}
