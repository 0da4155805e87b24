/** How many values are out of limits, acknowledged, and in limits; a click shows their cards. */

import type { ComponentChildren } from "preact";
import { type AlarmTotals, alarmTotals, presentTotals } from "../model/alarms/alarm_list";
import { alarmsTrouble, isJudged, isPresentJudged, presentTrouble } from "../model/alarms/alarm_states";
import { signOf, valueTotals } from "../model/alarms/card_alarms";
import { chooseCards } from "../model/cards/card_list";
import { state } from "../model/clock/clock";
import { showPanel } from "../model/layout/layout_store";
import { goToPresent } from "../model/timeline/timeline_sync";
import "../cards.css";
import { Status } from "./Status";

/** The three numbers; a zero is drawn muted. */
export function AlarmCounts() {
  const { out, acknowledged, inLimits, stale, worst, worstAcknowledged } = valueTotals.value;
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
      <span
        class={`alarm-count ${worstAcknowledged ?? "quiet"}`}
        title="out of limits and acknowledged"
        data-testid="alarms-acknowledged"
        data-count={acknowledged}
        data-worst={worstAcknowledged ?? ""}
      >
        {acknowledged > 0 && <Status verdict={worstAcknowledged} acknowledged={true} />}
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
      {stale > 0 && (
        <span class="alarm-count" title="in limits when last updated, and silent since" data-testid="alarms-stale" data-count={stale}>
          <Status verdict="stale" />
          {stale} stale
        </span>
      )}
    </span>
  );
}

/** The chip in the page's header, visible whatever panels are shown: alarms as of the clock. */
export function AlarmsChip() {
  return (
    <Chip
      totals={alarmTotals.value}
      trouble={alarmsTrouble.value}
      isJudged={isJudged.value}
      testid="alarms-chip"
      open={() => showPanel("alarms")}
    />
  );
}

/** While the clock is elsewhere: the alarms of the present, which a press leads to. */
export function PresentAlarmsChip() {
  if (state.value === "LIVE") return null;
  return (
    <Chip
      totals={presentTotals.value}
      trouble={presentTrouble.value}
      isJudged={isPresentJudged.value}
      testid="alarms-now"
      isBrief={true}
      title="The alarms of the present: go LIVE and list them"
      open={() => {
        goToPresent();
        showPanel("alarms");
      }}
    >
      <span class="chip-now">now</span>
    </Chip>
  );
}

interface ChipProps {
  totals: AlarmTotals;
  /** Why alarms may be missing; empty if none are. */
  trouble: string;
  isJudged: boolean;
  testid: string;
  title?: string;
  /** Whether only the numbers are drawn: nothing in the header may move when it appears. */
  isBrief?: boolean;
  open: () => void;
  children?: ComponentChildren;
}

/** The worst alarm that is not acknowledged, and the worst that is; green only if there is neither. */
function Chip({ totals, trouble, isJudged: judged, testid, title, isBrief = false, open, children }: ChipProps) {
  const { raised, acknowledged, worst, worstAcknowledged } = totals;
  const verdict = worst === undefined ? undefined : signOf(worst.severity);
  const isQuiet = raised === 0 && acknowledged === 0;
  const words = isBrief ? "sr-only" : "";
  return (
    <button
      type="button"
      class={`chip alarms ${verdict ?? ""}`}
      title={[title, trouble].filter(Boolean).join(". ") || undefined}
      data-testid={testid}
      data-count={raised}
      data-acknowledged={acknowledged}
      data-trouble={trouble !== ""}
      onClick={open}
    >
      {children}
      {(raised > 0 || isQuiet) && <Status verdict={verdict ?? (judged && isQuiet ? "ok" : undefined)} />}
      {isBrief && raised > 0 && <span aria-hidden="true">{raised}</span>}
      {(raised > 0 || isQuiet) && <span class={words}>{chipText(raised, trouble !== "")}</span>}
      {acknowledged > 0 && (
        <span class="muted chip-known">
          <Status verdict={signOf(worstAcknowledged?.severity)} acknowledged={true} />
          {acknowledged}{" "}
          <span class={words}>acknowledged{trouble !== "" && raised === 0 ? "?" : ""}</span>
        </span>
      )}
    </button>
  );
}

function chipText(raised: number, isTroubled: boolean): string {
  if (raised > 0) return `${raised} ${raised === 1 ? "alarm" : "alarms"}${isTroubled ? "?" : ""}`;
  return isTroubled ? "Alarms not judged" : "No alarms";
}

/** Show the cards with alarms. */
export function showAlarms(): void {
  chooseCards("alarms");
  showPanel("cards");
}
