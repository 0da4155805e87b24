/** Below a value that is out of limits: since when, who acknowledged it, or the button to acknowledge. */

import { acknowledge, pendingAcknowledgements, pendingKey, refusalOfAlarm } from "../model/alarms/acknowledge";
import type { Alarm } from "../model/alarms/alarms";
import { limitsText, violationText } from "../model/alarms/limits";
import { keySpec } from "../model/cards/card";
import { clockSecondMs } from "../model/entities/entities";
import { orderTime } from "../model/values/event_order";
import { formatTime, toMs } from "../model/values/time";
import { shortAge } from "./CardValue";

export function AlarmLine({ alarm }: { alarm: Alarm }) {
  const { card, violation, acknowledged } = alarm;
  const spec = keySpec(card, violation.key);
  const words = violationText(card.cells.get(violation.key)?.value, spec);
  return (
    <tr class={`alarm-line ${violation.severity}`} data-testid="alarm-line" data-key={violation.key} data-severity={violation.severity}>
      <td colSpan={4}>
        <div class="alarm-details">
          <span class="alarm-words" title={limitsText(spec)}>
            <strong>{violation.severity}</strong> {words} <Since alarm={alarm} />
          </span>
          {acknowledged === undefined ? (
            <Button alarm={alarm} />
          ) : (
            <span class="alarm-by" data-testid="alarm-by" title={`${formatTime(acknowledged.canonicalTruthTime)} UTC`}>
              ✓ {acknowledged.user}
            </span>
          )}
        </div>
      </td>
    </tr>
  );
}

function Since({ alarm }: { alarm: Alarm }) {
  const excursion = alarm.violation.excursion;
  if (excursion === undefined) return <span class="muted">since …</span>;
  const { since, order, isComplete } = excursion;
  const ms = Math.max(1_000, clockSecondMs.value - toMs(orderTime(order)));
  return (
    <span title={`since ${isComplete ? "" : "before "}${formatTime(since)} UTC by the source`} data-testid="alarm-since" data-since={since}>
      {isComplete ? "for" : "for more than"} {shortAge(ms)}
    </span>
  );
}

function Button({ alarm }: { alarm: Alarm }) {
  const reason = refusalOfAlarm(alarm);
  const isUnderway = pendingAcknowledgements.value.has(pendingKey(alarm));
  const name = `Acknowledge ${alarm.violation.severity} of ${alarm.card.view.uniqueId} ${alarm.violation.key}`;
  return (
    <button
      type="button"
      class="acknowledge"
      aria-label={reason === "" ? name : `${name}: ${reason}`}
      aria-disabled={reason !== "" || isUnderway}
      title={reason || undefined}
      data-testid="acknowledge"
      onClick={() => !isUnderway && void acknowledge(alarm)}
    >
      {isUnderway ? "…" : "Acknowledge"}
    </button>
  );
}
