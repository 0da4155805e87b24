/** What the list of alarms is narrowed to, and what is heard of them. */

import { bell, chooseBell } from "../model/alarms/alarm_bell";
import {
  type AlarmListing,
  alarmListing,
  alarmScope,
  alarmScopes,
  alarmSeverity,
  chooseListing,
  LISTINGS,
  type RuleSeverity,
  SEVERITIES,
} from "../model/alarms/alarm_list";

export function AlarmFilters() {
  return (
    <div class="filters">
      <select
        aria-label="Which alarms"
        data-testid="alarm-listing"
        value={alarmListing.value}
        onChange={(event) => chooseListing(event.currentTarget.value as AlarmListing)}
      >
        {Object.entries(LISTINGS).map(([id, words]) => (
          <option key={id} value={id}>
            {words}
          </option>
        ))}
      </select>
      <select
        aria-label="Severity of the alarms"
        data-testid="alarm-severity"
        value={alarmSeverity.value}
        onChange={(event) => (alarmSeverity.value = event.currentTarget.value as RuleSeverity | "")}
      >
        <option value="">any</option>
        {SEVERITIES.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      {(alarmScopes.value.length > 1 || alarmScope.value !== "") && <Scope />}
      <BellChoice />
    </div>
  );
}

function Scope() {
  return (
    <select
      aria-label="Scope of the alarms"
      data-testid="alarm-scope"
      value={alarmScope.value}
      onChange={(event) => (alarmScope.value = event.currentTarget.value)}
    >
      <option value="">all scopes</option>
      {[...new Set([...alarmScopes.value, alarmScope.value])]
        .filter((one) => one !== "")
        .map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
    </select>
  );
}

function BellChoice() {
  const { sound, title } = bell.value;
  return (
    <>
      <label class="bell" title="One tone when an alarm is raised or becomes worse in LIVE">
        <input
          type="checkbox"
          data-testid="alarm-sound"
          checked={sound}
          onChange={(event) => chooseBell({ sound: event.currentTarget.checked, title })}
        />
        sound
      </label>
      <label class="bell" title="Count raised alarms in the title of this page in LIVE">
        <input
          type="checkbox"
          data-testid="alarm-title"
          checked={title}
          onChange={(event) => chooseBell({ sound, title: event.currentTarget.checked })}
        />
        title
      </label>
    </>
  );
}
