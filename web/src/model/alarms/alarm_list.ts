/** Lists of the alarms as of the clock, narrowed and in order. */

import { computed, signal } from "@preact/signals";
import type { AlarmInfo } from "../../api/protocol";
import { cardTitle, keySpec } from "../cards/card";
import { cards } from "../cards/cards";
import { viewKey } from "../cards/ui_state";
import { showToast } from "../page/toast";
import { lookAt } from "../peek/peek";
import { entityKey } from "../values/event";
import { compareTimes } from "../values/time";
import { alarmTransitions } from "./alarm_history";
import { alarmStates, judgedUntil, presentStates } from "./alarm_states";
import type { AlarmStates } from "./alarm_window";

export type RuleSeverity = NonNullable<AlarmInfo["severity"]>;
export type AlarmListing = "active" | "unacknowledged" | "shelved" | "disabled" | "history";

export const LISTINGS: Readonly<Record<AlarmListing, string>> = {
  active: "active",
  unacknowledged: "unacknowledged",
  shelved: "shelved",
  disabled: "disabled",
  history: "history",
};
/** From the mildest to the worst. */
export const SEVERITIES: readonly RuleSeverity[] = ["watch", "warning", "critical", "severe"];
export const alarmListing = signal<AlarmListing>("active");
/** What the list is narrowed to; empty means any. */
export const alarmText = signal("");
export const alarmSeverity = signal<RuleSeverity | "">("");
export const alarmScope = signal("");

/** Why the alarms cannot be read; empty if they can be. */
export const alarmsError = signal("");

/** Whether an alarm is of a limit of a manifest. */
export function isOfManifest(of: AlarmInfo): boolean {
  return of.lane === "ui" && of.rule === `${of.viewId ?? ""}:${of.field}`;
}

/** What people call an alarm: the title of its rule, or those of its manifest. */
export function alarmName(of: AlarmInfo): string {
  if (of.title != null) return of.title;
  const card = of.viewId ? cards.value.get(viewKey({ ...of, viewId: of.viewId }))?.peek() : undefined;
  if (card !== undefined) return `${cardTitle(card)} ${keySpec(card, of.field).title ?? of.field}`;
  return `${of.viewId || of.messageType} ${of.field}`;
}

/** Alarms that are out of limits or not acknowledged, and not set aside; null before the Core has answered. */
export const activeAlarms = computed<readonly AlarmInfo[] | null>(() => {
  return judgedUntil.value === undefined ? null : activeOf(alarmStates.value);
});

function activeOf(states: AlarmStates): readonly AlarmInfo[] {
  const isActive = (one: AlarmInfo) => one.state !== "normal" && one.shelved !== true && one.disabled !== true;
  return [...states.values()].filter(isActive).sort(inListOrder);
}

/** How many alarms are raised and acknowledged, and the worst of each. */
export interface AlarmTotals {
  readonly raised: number;
  readonly acknowledged: number;
  readonly worst: AlarmInfo | undefined;
  readonly worstAcknowledged: AlarmInfo | undefined;
}

export const alarmTotals = computed(() => totalsOf(activeAlarms.value ?? []));

/** Those of the present, wherever the clock is. */
export const presentTotals = computed(() => totalsOf(activeOf(presentStates.value)));

/** Totals of alarms in the order of the list: the worst of each state is its first. */
function totalsOf(all: readonly AlarmInfo[]): AlarmTotals {
  const raised = all.filter((one) => one.state === "raised");
  const acknowledged = all.filter((one) => one.state === "acknowledged");
  const [worst, worstAcknowledged] = [raised[0], acknowledged[0]];
  return { raised: raised.length, acknowledged: acknowledged.length, worst, worstAcknowledged };
}

/** What a node of the tree shows of its alarms: the worst raised one, and the worst acknowledged one if it is worse. */
export interface NodeAlarms {
  raised?: AlarmInfo;
  acknowledged?: AlarmInfo;
}

/** The alarms of each entity, and of all that is above it in the tree. */
export const worstByNode = computed<ReadonlyMap<string, NodeAlarms>>(() => {
  const found = new Map<string, NodeAlarms>();
  // Raised ones come before acknowledged ones, and the worst of each first.
  for (const one of activeAlarms.value ?? []) {
    if (one.state !== "raised" && one.state !== "acknowledged") continue;
    let key = entityKey(one);
    for (let end = key.length; end > 0; end = key.lastIndexOf("/")) {
      key = key.slice(0, end);
      const known = found.get(key) ?? {};
      found.set(key, known);
      const { raised } = known;
      if (one.state === "raised") known.raised ??= one;
      else if (raised === undefined || rankOf(one) > rankOf(raised)) known.acknowledged ??= one;
    }
  }
  return found;
});

/** The alarms of the chosen listing that match the filter. */
export const listedAlarms = computed<readonly AlarmInfo[] | null>(() => {
  const active = activeAlarms.value;
  if (active === null) return null;
  const listing = alarmListing.value;
  if (listing === "shelved" || listing === "disabled") {
    const isListed = (one: AlarmInfo) => one[listing] === true;
    return [...alarmStates.value.values()].filter((one) => isListed(one) && isMatch(one)).sort(inListOrder);
  }
  const isWanted = (one: AlarmInfo) => listing === "active" || one.state !== "acknowledged";
  return active.filter((one) => isWanted(one) && isMatch(one));
});

/** The transitions that match the filter, newest first. */
export const listedTransitions = computed(() => alarmTransitions.value?.filter(({ alarm }) => isMatch(alarm)) ?? null);

/** The scopes of all known alarms. */
export const alarmScopes = computed(() => [...new Set([...alarmStates.value.values()].map(({ scopeId }) => scopeId))].sort());

function isMatch(one: AlarmInfo): boolean {
  if (alarmSeverity.value !== "" && one.severity !== alarmSeverity.value) return false;
  if (alarmScope.value !== "" && one.scopeId !== alarmScope.value) return false;
  const words = alarmText.value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [alarmName(one), one.rule, one.field, entityKey(one), one.comment ?? ""].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Where an alarm is in the list: what nobody has acknowledged first, then the worst, then the newest. */
export function inListOrder(one: AlarmInfo, other: AlarmInfo): number {
  const open = Number(one.state === "acknowledged") - Number(other.state === "acknowledged");
  const raised = Number(other.state === "raised") - Number(one.state === "raised");
  return open || raised || rankOf(other) - rankOf(one) || newestFirst(one, other);
}

function newestFirst(one: AlarmInfo, other: AlarmInfo): number {
  return one.changed == null || other.changed == null ? 0 : compareTimes(other.changed, one.changed);
}

/** How bad an alarm is: 0 within limits. */
export function rankOf(of: AlarmInfo): number {
  return of.severity == null ? 0 : SEVERITIES.indexOf(of.severity) + 1;
}

/** Choose a listing. */
export function chooseListing(chosen: AlarmListing): void {
  alarmListing.value = chosen;
}

/** Go to the moment of an alarm's last change, with its entity selected; LIVE look at it aside. */
export function goToAlarm(of: AlarmInfo, time: string | null | undefined = of.changed): void {
  const { scopeId, systemId, containerId, uniqueId } = of;
  if (time == null) showToast("This alarm has not changed yet.");
  else lookAt({ scopeId, systemId, containerId, uniqueId }, time, `${alarmName(of)} of ${uniqueId}`);
}
