/** What a row of the list says of an alarm: how it is, and its value and times, each with what it is of. */

import type { AlarmInfo } from "../../api/protocol";
import { staleViews } from "../cards/stale_views";
import { viewKey } from "../cards/ui_state";
import { ageBeats, seriesAge, sourceKey } from "../entities/entity_ages";
import { formatTime } from "../values/time";

/** Whether an alarm is known to be within limits no longer: it was, and its source is stale. */
export function isSilentInLimits(of: AlarmInfo): boolean {
  void ageBeats.value;
  if (of.severity != null || of.disabled === true) return false;
  if (of.lane === "ui" && of.viewId && staleViews.value.has(viewKey({ ...of, viewId: of.viewId }))) return true;
  return seriesAge(sourceKey(of)).freshness === "stale";
}

/** How an alarm is since it crossed the bound of its severity, or since its last change; a disabled one judges no limits. */
export function mannerText(of: AlarmInfo, age: string, isSilent: boolean): string {
  if (isSilent) return "stale: in limits when last updated";
  const { state, severity, disabled } = of;
  if (disabled === true) return `no limits judged for ${age}`;
  const manner = state === "cleared" || state === "normal" ? "in limits" : `${severity ?? "so"} or worse`;
  return `${manner} for ${age}`;
}

/** The value of the last change, which is no current one; a disabled alarm has none. */
export function changeText({ field, value, disabled }: AlarmInfo): string {
  return disabled === true ? field : `${field} ${value == null ? "(no value)" : String(value)} at its last change`;
}

/** When its values left the limits: they may have become worse since. */
export function beginText({ severity, since }: AlarmInfo): string {
  if (since == null) return "";
  return `${severity == null ? "left" : "out of"} limits ${severity == null ? "at" : "since"} ${formatTime(since).slice(0, 19)}`;
}
