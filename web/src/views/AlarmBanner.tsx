/** The worst raised alarm, whatever panels are shown. */

import { alarmName, alarmTotals } from "../model/alarms/alarm_list";
import { showPanel } from "../model/layout/layout_store";
import { entityKey } from "../model/values/event";
import "../alarms.css";
import { AlarmName } from "./AlarmRow";
import { SeveritySign } from "./Status";

export function AlarmBanner() {
  const { worst, raised } = alarmTotals.value;
  if (worst === undefined) return null;
  return (
    <div class={`alarm-banner is-${worst.severity ?? "normal"}`} role="status" data-testid="alarm-banner" data-rule={worst.rule} data-severity={worst.severity ?? ""}>
      <SeveritySign severity={worst.severity ?? undefined} />
      <strong>{worst.severity}</strong>
      <AlarmName alarm={worst} time={worst.changed} />
      <span class="muted alarm-banner-where" title={`${alarmName(worst)} of ${entityKey(worst)}`}>
        {entityKey(worst)}
      </span>
      <button type="button" data-testid="alarm-banner-list" onClick={() => showPanel("alarms")}>
        {raised === 1 ? "List" : `All ${raised}`}
      </button>
    </div>
  );
}
