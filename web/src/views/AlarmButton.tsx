/** A button that does something with an alarm; when it cannot it says why. */

import type { AlarmInfo } from "../api/protocol";
import { type AlarmActionName, actionMembers, actOnAlarm, alarmRefusal, isActedOn } from "../model/alarms/alarm_actions";
import { alarmName } from "../model/alarms/alarm_list";
import { entityName } from "../model/entities/entity_names";

interface ActProps {
  alarm: AlarmInfo;
  action: AlarmActionName;
  words: string;
  comment?: string;
  shelveMs?: number | undefined;
  /** Called once it is recorded. */
  done?: () => void;
}

export function ActButton({ alarm, action, words, comment = "", shelveMs, done }: ActProps) {
  const reason = alarmRefusal.value;
  const isUnderway = isActedOn(alarm);
  const name = `${words} ${alarmName(alarm)} of ${entityName(alarm)}`;
  const act = async () => {
    if (await actOnAlarm(alarm, action, actionMembers(action, alarm, comment, shelveMs))) done?.();
  };
  return (
    <button
      type="button"
      aria-label={reason === "" ? name : `${name}: ${reason}`}
      aria-disabled={reason !== "" || isUnderway}
      title={reason || undefined}
      data-testid={`alarm-${action}`}
      onClick={() => !isUnderway && void act()}
    >
      {isUnderway ? "…" : words}
    </button>
  );
}
