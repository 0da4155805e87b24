/** How many values are out of limits, acknowledged, and in limits; a click shows their cards. */

import { alarmTotals } from "../model/alarms/alarms";
import { ruleTotals } from "../model/alarms/rule_alarms";
import { worstVerdict } from "../model/alarms/limits";
import { chooseCards } from "../model/cards/card_list";
import { panelPosition, panelShown } from "../model/layout/layout";
import { isNarrow, layout, showPanel, showTab } from "../model/layout/layout_store";
import "../cards.css";
import { signOf, Status } from "./Status";

/** The three numbers; a zero is drawn muted. */
export function AlarmCounts() {
  const { out, acknowledged, inLimits, worst } = alarmTotals.value;
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
      <span class={`alarm-count ${inLimits > 0 ? "ok" : "quiet"}`} title="in limits" data-testid="alarms-in" data-count={inLimits}>
        {inLimits} in
      </span>
    </span>
  );
}

/** The chip in the page's header, visible whatever panels are shown: limits of manifests and alarms of rules. */
export function AlarmsChip() {
  const rules = ruleTotals.value;
  const out = alarmTotals.value.out + rules.raised;
  const acknowledged = alarmTotals.value.acknowledged + rules.acknowledged;
  const ofRules = rules.worst === undefined ? undefined : signOf(rules.worst.severity ?? undefined);
  const worst = worstVerdict([alarmTotals.value.worst, ofRules]);
  const show = rules.raised + rules.acknowledged > 0 ? () => showPanel("alarms") : showAlarms;
  const words = out === 0 && acknowledged === 0 ? "No alarms" : `${out} ${out === 1 ? "alarm" : "alarms"}`;
  return (
    <button type="button" class={`chip alarms ${out > 0 ? (worst ?? "") : ""}`} data-testid="alarms-chip" data-count={out} onClick={show}>
      <Status verdict={worst} />
      {words}
      {acknowledged > 0 && <span class="muted">+{acknowledged} ack</span>}
    </button>
  );
}

/** Show the cards with alarms. */
export function showAlarms(): void {
  chooseCards("alarms");
  if (isNarrow.value) showTab("cards");
  else if (panelPosition(layout.value, "cards") === undefined) layout.value = panelShown(layout.value, "cards");
}
