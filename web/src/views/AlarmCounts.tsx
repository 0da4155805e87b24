/** How many values are out of limits, acknowledged, and in limits; a click shows their cards. */

import { alarmTotals } from "../model/alarms/alarm_list";
import { alarmsTrouble, isJudged } from "../model/alarms/alarm_states";
import { signOf, valueTotals } from "../model/alarms/card_alarms";
import { chooseCards } from "../model/cards/card_list";
import { showPanel } from "../model/layout/layout_store";
import "../cards.css";
import { Status } from "./Status";

/** The three numbers; a zero is drawn muted. */
export function AlarmCounts() {
  const { out, acknowledged, inLimits, worst } = valueTotals.value;
  return (
    <span class="alarm-counts" data-testid="alarm-counts">
      <button
        type="button"
        class={`alarm-count ${out > 0 ? (worst ?? "") : "quiet"}`}
        title="Show the cards with values out of limits"
        data-testid="alarms-out"
        data-count={out}
        onClick={showAlarms}
      >
        <Status verdict={out > 0 ? worst : undefined} />
        {out} out
      </button>
      <span class={`alarm-count ${acknowledged > 0 ? "" : "quiet"}`} title="out of limits and acknowledged" data-testid="alarms-acknowledged" data-count={acknowledged}>
        {acknowledged} ack
      </span>
      <span
        class={`alarm-count ${inLimits > 0 ? "ok" : "quiet"}`}
        title={alarmsTrouble.value === "" ? "in limits" : alarmsTrouble.value}
        data-testid="alarms-in"
        data-count={inLimits}
      >
        {alarmsTrouble.value === "" ? `${inLimits} in` : "not judged"}
      </span>
    </span>
  );
}

/** The chip in the page's header, visible whatever panels are shown. */
export function AlarmsChip() {
  const { raised, acknowledged, worst } = alarmTotals.value;
  const trouble = alarmsTrouble.value;
  const verdict = worst !== undefined ? signOf(worst.severity) : isJudged.value ? "ok" : undefined;
  return (
    <button
      type="button"
      class={`chip alarms ${worst !== undefined ? verdict : ""}`}
      title={trouble || undefined}
      data-testid="alarms-chip"
      data-count={raised}
      data-trouble={trouble !== ""}
      onClick={() => showPanel("alarms")}
    >
      <Status verdict={verdict} />
      {chipText(raised, acknowledged, trouble !== "")}
      {acknowledged > 0 && <span class="muted">+{acknowledged} ack</span>}
    </button>
  );
}

function chipText(raised: number, acknowledged: number, isTroubled: boolean): string {
  if (raised > 0 || acknowledged > 0) return `${raised} ${raised === 1 ? "alarm" : "alarms"}${isTroubled ? "?" : ""}`;
  return isTroubled ? "Alarms not judged" : "No alarms";
}

/** Show the cards with alarms. */
export function showAlarms(): void {
  chooseCards("alarms");
  showPanel("cards");
}
