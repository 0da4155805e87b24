/** One transition of an alarm, in its history. */

import type { AlarmTransition } from "../api/protocol";
import { changeText } from "../model/alarms/alarm_facts";
import { entityKey } from "../model/values/event";
import { formatTime } from "../model/values/time";
import { AlarmName } from "./AlarmRow";
import { AlarmSign } from "./Status";

/** Who has done it; empty for what values and rules did. */
function actorOf({ change, alarm }: AlarmTransition): string {
  if (change === "acknowledged") return alarm.acknowledgedBy ?? "";
  if (change === "shelved") return alarm.shelvedBy ?? "";
  return change === "commented" ? `${alarm.commentBy ?? ""}: ${alarm.comment ?? ""}` : "";
}

export function AlarmChange({ transition }: { transition: AlarmTransition }) {
  const { time, change, alarm } = transition;
  const text = formatTime(time);
  const actor = actorOf(transition);
  return (
    <li class={`rule-alarm is-${alarm.severity ?? "normal"}`} data-testid="alarm-change" data-change={change} data-rule={alarm.rule} data-time={time}>
      <div class="rule-alarm-head">
        <AlarmSign alarm={alarm} />
        <time class="muted" title={`${text} UTC`}>
          {text.slice(0, 19)}
        </time>
        <span class="rule-alarm-title">
          <AlarmName alarm={alarm} time={time} />
          <span class="rule-alarm-state">{change}</span>
        </span>
      </div>
      <div class="rule-alarm-facts muted">
        <span>{entityKey(alarm)}</span>
        <span>{changeText(alarm)}</span>
        {actor !== "" && <span>{actor}</span>}
      </div>
    </li>
  );
}
