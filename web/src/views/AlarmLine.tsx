/** Below a value that is out of limits: since when, who acknowledged it, or the button to acknowledge. */

import type { AlarmInfo, KeySpec } from "../api/protocol";
import { signOf } from "../model/alarms/card_alarms";
import { boundText, limitsText } from "../model/alarms/limit_texts";
import { isOfManifest } from "../model/alarms/alarm_list";
import { clockSecondMs } from "../model/entities/entities";
import { formatTime, shortAge, toMs } from "../model/values/time";
import { ActButton } from "./AlarmButton";
import { AlarmName } from "./AlarmRow";

export function AlarmLine({ alarm, spec }: { alarm: AlarmInfo; spec: KeySpec }) {
  const { severity, field, state, changed } = alarm;
  const isOwn = isOfManifest(alarm);
  return (
    <tr class={`alarm-line ${signOf(severity)}`} data-testid="alarm-line" data-key={field} data-severity={severity} data-rule={alarm.rule}>
      <td colSpan={4}>
        <div class="alarm-details">
          <span class="alarm-words" title={isOwn ? limitsText(spec) : undefined}>
            <strong>{severity}</strong> {isOwn && boundText(alarm, spec)} <Since alarm={alarm} />
            {!isOwn && <AlarmName alarm={alarm} time={changed} />}
          </span>
          {alarm.shelved === true && <Shelved alarm={alarm} />}
          {state === "acknowledged" && (
            <span class="alarm-by" data-testid="alarm-by">
              ✓ {alarm.acknowledgedBy}
            </span>
          )}
          {state === "raised" && <ActButton alarm={alarm} action="acknowledge" words="Acknowledge" />}
        </div>
      </td>
    </tr>
  );
}

function Shelved({ alarm: { shelvedBy, shelvedUntil } }: { alarm: AlarmInfo }) {
  const words = shelvedUntil == null ? "until unshelved" : `until ${formatTime(shelvedUntil).slice(0, 19)}`;
  return (
    <span class="muted" title={`shelved by ${shelvedBy} ${words}`} data-testid="alarm-line-shelved">
      shelved
    </span>
  );
}

/** Since its values crossed the bound that is named. */
function Since({ alarm: { since, crossed } }: { alarm: AlarmInfo }) {
  if (crossed == null) return null;
  const ms = Math.max(1_000, clockSecondMs.value - toMs(crossed));
  const words = since == null ? "" : `out of limits since ${formatTime(since)} UTC by the source`;
  return (
    <span title={words} data-testid="alarm-since" data-since={since} data-crossed={crossed}>
      for {shortAge(ms)}
    </span>
  );
}
