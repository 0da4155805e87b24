/** One alarm: what and where, since when, and what can be done with it. */

import { useState } from "preact/hooks";
import type { AlarmInfo } from "../api/protocol";
import { beginText, changeText, isSilentInLimits, mannerText } from "../model/alarms/alarm_facts";
import { alarmName, goToAlarm } from "../model/alarms/alarm_list";
import { cursorMs, state, timebase } from "../model/clock/clock";
import { entityName } from "../model/entities/entity_names";
import { entityKey } from "../model/values/event";
import { formatTime, shortAge, toMs } from "../model/values/time";
import { ActButton } from "./AlarmButton";
import { AlarmForm } from "./AlarmForm";
import { AlarmSign } from "./Status";

export function AlarmRow({ alarm }: { alarm: AlarmInfo }) {
  const [isOpen, setOpen] = useState(false);
  const { state: alarmState, severity, rule } = alarm;
  return (
    <li
      class={`rule-alarm is-${severity ?? "normal"} ${alarmState}`}
      data-testid="alarm-row"
      data-rule={rule}
      data-entity={entityKey(alarm)}
      data-state={alarmState}
      data-severity={severity ?? ""}
    >
      <div class="rule-alarm-head">
        <AlarmSign alarm={alarm} isSilent={isSilentInLimits(alarm)} />
        <span class="rule-alarm-title">
          <AlarmName alarm={alarm} time={alarm.changed} />
          <span class="rule-alarm-state">{stateText(alarm)}</span>
        </span>
        {(alarmState === "raised" || alarmState === "cleared") && <ActButton alarm={alarm} action="acknowledge" words="Acknowledge" />}
        <button
          type="button"
          aria-expanded={isOpen}
          aria-label={`More for ${alarmName(alarm)} of ${entityName(alarm)}`}
          data-testid="alarm-more"
          onClick={() => setOpen(!isOpen)}
        >
          More
        </button>
      </div>
      <Facts alarm={alarm} />
      {isOpen && <AlarmForm alarm={alarm} close={() => setOpen(false)} />}
    </li>
  );
}

/** The name; a press goes to a moment of the alarm, or LIVE looks at it aside. */
export function AlarmName({ alarm, time }: { alarm: AlarmInfo; time: string | null | undefined }) {
  const when = time == null ? "" : `${state.value === "LIVE" ? "Look at" : "Go to"} ${formatTime(time)} UTC`;
  return (
    <button type="button" class="link rule-alarm-name" title={when || undefined} data-testid="alarm-go" onClick={() => goToAlarm(alarm, time)}>
      {alarmName(alarm)}
    </button>
  );
}

function stateText({ severity, state, shelved, disabled }: AlarmInfo): string {
  const aside = disabled === true ? "disabled" : shelved === true ? `shelved, ${state}` : state;
  return severity == null ? aside : `${severity}, ${aside}`;
}

function Facts({ alarm }: { alarm: AlarmInfo }) {
  const { since, changed, crossed, severity, acknowledgedBy, comment, commentBy, shelved, shelvedBy, shelvedUntil } = alarm;
  const from = severity == null ? changed : (crossed ?? changed);
  return (
    <div class="rule-alarm-facts muted">
      <span>{entityKey(alarm)}</span>
      <span title={changed == null ? undefined : `${formatTime(changed)} UTC`}>{changeText(alarm)}</span>
      {from != null && (
        <span title={`${formatTime(from)} UTC by ${timebase.value === "source" ? "the source" : "receipt"}`} data-testid="alarm-so">
          {mannerText(alarm, ageOf(from), isSilentInLimits(alarm))}
        </span>
      )}
      {since != null && <span title={`${formatTime(since)} UTC by the source`}>{beginText(alarm)}</span>}
      {acknowledgedBy != null && <span data-testid="alarm-acknowledged-by">✓ {acknowledgedBy}</span>}
      {shelved === true && (
        <span data-testid="alarm-shelved-by">
          shelved by {shelvedBy} {shelvedUntil == null ? "until unshelved" : `until ${formatTime(shelvedUntil).slice(0, 19)}`}
        </span>
      )}
      {comment != null && (
        <q data-testid="alarm-said">
          {commentBy}: {comment}
        </q>
      )}
    </div>
  );
}

function ageOf(time: string): string {
  return shortAge(Math.max(1_000, Math.floor(cursorMs.value / 1_000) * 1_000 - toMs(time)));
}
