/** Sends acknowledgements of alarms. Only an event makes an alarm acknowledged. */

import { computed, signal } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { state } from "../clock/clock";
import { showToast } from "../page/toast";
import { OPERATING_ROLES } from "../session/permission";
import { connection, request, role } from "../session/session";
import type { Alarm } from "./alarms";

/** Alarms whose acknowledgement was requested and is not in the archive yet. */
export const pendingAcknowledgements = signal<ReadonlySet<string>>(new Set());

/** How long to wait for the event after the reply. */
const PENDING_MAX_MS = 10_000;

/** Why no alarm can be acknowledged now; empty if acknowledging is possible. */
export const acknowledgeRefusal = computed(() => {
  if (connection.value !== "open") return "Not connected.";
  if (!OPERATING_ROLES.has(role.value)) return `Your role (${role.value}) cannot acknowledge alarms.`;
  if (state.value !== "LIVE") return "Not LIVE: alarms cannot be acknowledged from a replay.";
  return "";
});

/** Key of one excursion of an alarm. */
export function pendingKey({ id, violation }: Alarm): string {
  return `${id} ${violation.severity} ${violation.excursion?.since ?? ""}`;
}

/** Why this alarm cannot be acknowledged now; empty if it can be. */
export function refusalOfAlarm(alarm: Alarm): string {
  if (acknowledgeRefusal.value !== "") return acknowledgeRefusal.value;
  return alarm.violation.excursion === undefined ? "Its start is still being read." : "";
}

/** Acknowledge an alarm; a refusal is shown as a toast. */
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
