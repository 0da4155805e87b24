/** The worst raised alarm, whatever panels are shown. */

import type { AlarmInfo } from "../api/protocol";
import { announcement } from "../model/alarms/alarm_bell";
import { alarmName, alarmTotals, rankOf } from "../model/alarms/alarm_list";
import { showPanel } from "../model/layout/layout_store";
import { entityKey } from "../model/values/event";
import "../alarms.css";
import { AlarmName } from "./AlarmRow";
import { SeveritySign } from "./Status";

export function AlarmBanner() {
  const { worst, raised, worstAcknowledged: known } = alarmTotals.value;
  if (worst === undefined) return null;
  const isWorse = known !== undefined && rankOf(known) > rankOf(worst);
  return (
    <div class={`alarm-banner is-${worst.severity ?? "normal"}`} data-testid="alarm-banner" data-rule={worst.rule} data-severity={worst.severity ?? ""}>
      <SeveritySign severity={worst.severity ?? undefined} />
      <strong>{worst.severity}</strong>
      <AlarmName alarm={worst} time={worst.changed} />
      <span class="muted alarm-banner-where" title={`${alarmName(worst)} of ${entityKey(worst)}`}>
        {entityKey(worst)}
      </span>
      {isWorse && <Acknowledged alarm={known} />}
      <button type="button" data-testid="alarm-banner-list" onClick={() => showPanel("alarms")}>
        {raised === 1 ? "List" : `All ${raised}`}
      </button>
    </div>
  );
}

/** Always in the page: screen readers say what changes in it, not what appears with it. */
export function AlarmAnnouncer() {
  return (
    <p class="sr-only" role="alert" data-testid="alarm-announcer">
      {announcement.value}
    </p>
  );
}

/** An acknowledged alarm that is worse than all that are not. */
function Acknowledged({ alarm }: { alarm: AlarmInfo }) {
  return (
    <span class="alarm-banner-known" data-testid="alarm-banner-known" data-severity={alarm.severity ?? ""}>
      <SeveritySign severity={alarm.severity ?? undefined} isAcknowledged={true} />
      {alarm.severity} <AlarmName alarm={alarm} time={alarm.changed} /> ✓
    </span>
  );
}
