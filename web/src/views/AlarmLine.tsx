/** Below a value that is out of limits: since when, who acknowledged it, or the button to acknowledge. */

import type { AlarmInfo, KeySpec } from "../api/protocol";
import { signOf } from "../model/alarms/card_alarms";
import { boundText, limitsText } from "../model/alarms/limit_texts";
import { isOfManifest } from "../model/alarms/alarm_list";
import { timebase } from "../model/clock/clock";
import { clockSecondMs } from "../model/entities/entities";
import { formatTime, toMs } from "../model/values/time";
import { ActButton } from "./AlarmButton";
import { AlarmName } from "./AlarmRow";
import { shortAge } from "./CardValue";

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

/** By the source since its first value out of limits; by receipt since it became as bad as it is. */
function Since({ alarm: { since, changed } }: { alarm: AlarmInfo }) {
  const from = timebase.value === "source" ? since : changed;
  if (from == null) return null;
  const ms = Math.max(1_000, clockSecondMs.value - toMs(from));
  const words = since == null ? "" : `since ${formatTime(since)} UTC by the source`;
  return (
    <span title={words} data-testid="alarm-since" data-since={since}>
      for {shortAge(ms)}
    </span>
  );
}
