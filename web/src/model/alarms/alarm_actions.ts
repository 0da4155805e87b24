/** What an operator does with an alarm. Only an event changes its state. */

import { computed, signal } from "@preact/signals";
import type { ActOnAlarm, AlarmInfo } from "../../api/protocol";
import { showToast } from "../page/toast";
import { refusalTo } from "../session/permission";
import { request } from "../session/session";
import { compareTimes, fromMs } from "../values/time";
import { coreNowMs, judgedUntil } from "./alarm_states";
import { alarmKey } from "./alarm_window";

export type AlarmActionName = ActOnAlarm["action"];

/** As the protocol allows. */
export const COMMENT_MAX_CHARS = 1_000;
const MINUTE_MS = 60_000;
/** For how long an alarm can be shelved; without a duration, until it is unshelved. */
export const SHELVINGS: readonly { readonly words: string; readonly ms?: number }[] = [
  { words: "15 minutes", ms: 15 * MINUTE_MS },
  { words: "1 hour", ms: 60 * MINUTE_MS },
  { words: "8 hours", ms: 480 * MINUTE_MS },
  { words: "24 hours", ms: 1_440 * MINUTE_MS },
  { words: "until unshelved" },
];

const ACTION_TEXTS: Readonly<Record<AlarmActionName, string>> = {
  acknowledge: "acknowledged",
  comment: "commented",
  shelve: "shelved",
  unshelve: "unshelved",
  disable: "disabled",
  enable: "enabled",
};

/** Why nothing can be done with alarms now; empty if it is possible. */
export const alarmRefusal = computed(() => refusalTo("act on alarms"));

/** Actions that the Core has not judged yet: by alarm, the canonical time of the event; "" until it is known. */
const underway = signal<ReadonlyMap<string, string>>(new Map());

/** Whether an action on this alarm is not in its state yet. */
export function isActedOn(of: AlarmInfo): boolean {
  const at = underway.value.get(alarmKey(of));
  if (at === undefined) return false;
  return at === "" || judgedUntil.value == null || compareTimes(judgedUntil.value, at) < 0;
}

/** The members that an action needs of the alarm that was seen. */
export function actionMembers(action: AlarmActionName, of: AlarmInfo, comment: string, shelveMs?: number): Partial<ActOnAlarm> {
  const words = comment.trim();
  const said = words === "" ? {} : { comment: words };
  switch (action) {
    case "acknowledge":
      // Within limits again, any severity is at least as bad.
      return { ...(of.since == null ? {} : { since: of.since }), severity: of.severity ?? "watch", ...said };
    case "comment":
      return said;
    case "shelve":
      return { ...(shelveMs === undefined ? {} : { until: fromMs(coreNowMs() + shelveMs) }), ...said };
    default:
      return {};
  }
}

/** Do something with an alarm; returns whether it is recorded. A refusal is shown as a toast. */
export async function actOnAlarm(of: AlarmInfo, action: AlarmActionName, members: Partial<ActOnAlarm>): Promise<boolean> {
  if (alarmRefusal.value !== "" || isActedOn(of)) {
    if (alarmRefusal.value !== "") showToast(alarmRefusal.value);
    return false;
  }
  const { scopeId, systemId, containerId, uniqueId, rule } = of;
  const ids = { scopeId, systemId, containerId, uniqueId, rule };
  setUnderway(of, "");
  try {
    const reply = await request({ type: "actOnAlarm", ...ids, action, ...members, timelineMode: "LIVE" }, "alarmAck");
    setUnderway(of, reply.time);
  } catch (error) {
    setUnderway(of, undefined);
    showToast(`Not ${ACTION_TEXTS[action]}: ${(error as Error).message}`);
    return false;
  }
  return true;
}

function setUnderway(of: AlarmInfo, at: string | undefined): void {
  const next = new Map(underway.value);
  if (at === undefined) next.delete(alarmKey(of));
  else next.set(alarmKey(of), at);
  underway.value = next;
}
