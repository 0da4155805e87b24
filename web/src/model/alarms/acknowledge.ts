/** Acknowledging an alarm: whether it may be done, and doing it. What is acknowledged, events alone say. */

import { computed, signal } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { state } from "../clock/clock";
import { showToast } from "../page/toast";
import { connection, request, role } from "../session/session";
import type { Alarm } from "./alarms";

/** Alarms that are being acknowledged: asked for, and not yet told by an event. */
export const pendingAcknowledgements = signal<ReadonlySet<string>>(new Set());

/** So long an answer is waited for to come back as an event. */
const PENDING_MAX_MS = 10_000;
const MAY: ReadonlySet<string> = new Set(["operator", "admin"]);

/** Why nobody can acknowledge anything now, in words; empty if it can be done. */
export const acknowledgeRefusal = computed(() => {
  if (connection.value !== "open") return "There is no connection.";
  if (!MAY.has(role.value)) return "Viewers cannot acknowledge alarms; operators and admins can.";
  if (state.value !== "LIVE") return "Alarms are acknowledged LIVE: a replay changes nothing.";
  return "";
});

/** One text per excursion of an alarm. */
export function pendingKey({ id, violation }: Alarm): string {
  return `${id} ${violation.severity} ${violation.excursion?.since ?? ""}`;
}

/** Why this alarm cannot be acknowledged now; empty if it can be. */
export function refusalOfAlarm(alarm: Alarm): string {
  if (acknowledgeRefusal.value !== "") return acknowledgeRefusal.value;
  return alarm.violation.excursion === undefined ? "When it began is still being read." : "";
}

/** Say that the user has seen an alarm; why that cannot be, is said. */
export async function acknowledge(alarm: Alarm): Promise<void> {
  const reason = refusalOfAlarm(alarm);
  const { excursion, key, severity } = alarm.violation;
  if (reason !== "" || excursion === undefined) {
    showToast(reason);
    return;
  }
  const { scopeId, systemId, containerId, uniqueId, viewId } = alarm.card.view;
  setPending(pendingKey(alarm), true);
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
    scheduler.after(PENDING_MAX_MS, () => setPending(pendingKey(alarm), false));
  } catch (error) {
    setPending(pendingKey(alarm), false);
    showToast(`Not acknowledged: ${(error as Error).message}`);
  }
}

function setPending(id: string, isUnderway: boolean): void {
  const next = new Set(pendingAcknowledgements.value);
  if (isUnderway) next.add(id);
  else next.delete(id);
  pendingAcknowledgements.value = next;
}
