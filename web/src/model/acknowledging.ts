/** Acknowledging an alarm: whether it may be done, and doing it. What is acknowledged, events alone say. */

import { computed, signal } from "@preact/signals";
import type { Alarm } from "./alarms";
import { say } from "./hint";
import { connection, request, role } from "./session";
import { state } from "./timeline";

/** Alarms that are being acknowledged: asked for, and not yet told by an event. */
export const underway = signal<ReadonlySet<string>>(new Set());

/** So long an answer is waited for to come back as an event. */
const UNDERWAY_MAX_MS = 10_000;
const MAY: ReadonlySet<string> = new Set(["operator", "admin"]);

/** Why nobody can acknowledge anything now, in words; empty if it can be done. */
export const refusal = computed(() => {
  if (connection.value !== "open") return "There is no connection.";
  if (!MAY.has(role.value)) return "Viewers cannot acknowledge alarms; operators and admins can.";
  if (state.value !== "LIVE") return "Alarms are acknowledged LIVE: a replay changes nothing.";
  return "";
});

/** One text per excursion of an alarm. */
export function underwayKey({ id, out }: Alarm): string {
  return `${id} ${out.severity} ${out.excursion?.since ?? ""}`;
}

/** Why this alarm cannot be acknowledged now; empty if it can be. */
export function refusalOf(alarm: Alarm): string {
  if (refusal.value !== "") return refusal.value;
  return alarm.out.excursion === undefined ? "When it began is still being read." : "";
}

/** Say that the user has seen an alarm; why that cannot be, is said. */
export async function acknowledge(alarm: Alarm): Promise<void> {
  const reason = refusalOf(alarm);
  const { excursion, key, severity } = alarm.out;
  if (reason !== "" || excursion === undefined) {
    say(reason);
    return;
  }
  const { scopeId, systemId, containerId, uniqueId, viewId } = alarm.card.view;
  mark(underwayKey(alarm), true);
  try {
    await request(
      {
        type: "acknowledgeAlarm",
        ...{ scopeId, systemId, containerId, uniqueId, viewId, key, severity },
        since: excursion.since,
        timelineMode: "LIVE",
      },
      "alarmAck",
    );
    setTimeout(() => mark(underwayKey(alarm), false), UNDERWAY_MAX_MS);
  } catch (error) {
    mark(underwayKey(alarm), false);
    say(`Not acknowledged: ${(error as Error).message}`);
  }
}

function mark(id: string, isUnderway: boolean): void {
  const next = new Set(underway.value);
  if (isUnderway) next.add(id);
  else next.delete(id);
  underway.value = next;
}
