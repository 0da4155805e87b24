/** The alarms of rules as the Core judges them, as of the clock, and the transitions in the visible span. */

import { batch, computed, signal } from "@preact/signals";
import type { AlarmHistoryResponse, AlarmInfo, Alarms, AlarmsResponse, AlarmTransition } from "../../api/protocol";
import { Emitter } from "../../emitter";
import { cursor, seek, state, timebase } from "../clock/clock";
import { selectEntity } from "../entities/entities";
import { showToast } from "../page/toast";
import { request } from "../session/session";
import { visible } from "../timeline/span";
import { compareTimes, fromFineMs, toFineMs } from "../values/time";
import { entityKey } from "../values/event";

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
/** Most alarms that one request lists, and most transitions. */
const ALARMS_MAX = 5_000;
const TRANSITIONS_MAX = 500;

export const alarmListing = signal<AlarmListing>("active");
/** What the list is narrowed to; empty means any. */
export const alarmText = signal("");
export const alarmSeverity = signal<RuleSeverity | "">("");
export const alarmScope = signal("");

/** The active alarms; null until they have arrived. */
export const activeAlarms = signal<readonly AlarmInfo[] | null>(null);
/** The alarms of the listings `shelved` and `disabled`. */
const setAsideAlarms = signal<readonly AlarmInfo[] | null>(null);
export const alarmTransitions = signal<readonly AlarmTransition[] | null>(null);
/** Whether there are more than are listed. */
export const isListCut = signal(false);
/** Whether the list is of another time than the clock's. */
export const alarmsPending = signal(true);
export const alarmsError = signal("");
/** The canonical time up to which the Core has judged; null if it has judged nothing. */
export const judgedUntil = signal<string | null | undefined>(undefined);
const isBehind = signal(false);

/** Active alarms of the present as they are answered, those of manifests included. */
export const presentAlarms = new Emitter<[reply: AlarmsResponse]>();

let asked = 0;

/** Identifies an alarm. */
export function ruleAlarmKey(of: AlarmInfo): string {
  return `${entityKey(of)} ${of.lane} ${of.rule}`;
}

/** Whether an alarm is of a limit of a manifest: cards show these. */
export function isOfManifest(of: AlarmInfo): boolean {
  return of.lane === "ui" && of.rule === `${of.viewId ?? ""}:${of.field}`;
}

/** What people call an alarm. */
export function alarmName(of: AlarmInfo): string {
  const series = of.viewId ? of.viewId : of.messageType;
  return of.title ?? `${series} ${of.field}`;
}

/** How many alarms of rules are raised and acknowledged. */
export const ruleTotals = computed(() => {
  const all = activeAlarms.value ?? [];
  const raised = all.filter((one) => one.state === "raised");
  return { raised: raised.length, acknowledged: all.filter((one) => one.state === "acknowledged").length, worst: raised[0] };
});

/** The alarms of the chosen listing that match the filter. */
export const listedAlarms = computed<readonly AlarmInfo[] | null>(() => {
  const listing = alarmListing.value;
  if (listing === "shelved" || listing === "disabled") return setAsideAlarms.value?.filter(isMatch) ?? null;
  const isWanted = (one: AlarmInfo) => listing === "active" || one.state !== "acknowledged";
  return activeAlarms.value?.filter((one) => isWanted(one) && isMatch(one)) ?? null;
});

/** The transitions that match the filter, newest first. */
export const listedTransitions = computed(() => alarmTransitions.value?.filter(({ alarm }) => isMatch(alarm)).reverse() ?? null);

/** The scopes of all known alarms. */
export const alarmScopes = computed(() => {
  const all = [...(activeAlarms.value ?? []), ...(setAsideAlarms.value ?? [])];
  return [...new Set(all.map(({ scopeId }) => scopeId))].sort();
});

/** What is missing in the list; empty if nothing is. */
export const alarmsTrouble = computed(() => {
  const until = judgedUntil.value;
  if (until === null) return "Alarms are not judged yet: their data is being built. States of before are missing until then.";
  if (until === undefined || !isBehind.value) return "";
  if (state.value !== "LIVE" && timebase.value === "canonical" && compareTimes(cursor.value, until) <= 0) return "";
  return `Alarms are behind: what was received after ${until.slice(0, 19).replace("T", " ")} UTC is not judged yet.`;
});

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

/** Request the alarms as of the clock. */
export async function refreshAlarms(): Promise<void> {
  const mine = ++asked;
  const listing = alarmListing.value;
  const of = moment();
  try {
    const active = await ask("active", of);
    const setAside = listing === "shelved" || listing === "disabled" ? await ask(listing, of) : undefined;
    const history = listing === "history" ? await askHistory() : undefined;
    if (mine === asked) apply(active, setAside, history);
  } catch (error) {
    if (mine === asked) alarmsError.value = (error as Error).message;
    throw error;
  }
}

/** The clock's time; LIVE it is the server's now. */
function moment(): Pick<Alarms, "time" | "timebase"> {
  return { timebase: timebase.value, ...(state.value === "LIVE" ? {} : { time: cursor.value }) };
}

function ask(listing: "active" | "shelved" | "disabled", of: Pick<Alarms, "time" | "timebase">): Promise<AlarmsResponse> {
  return request({ type: "alarms", listing, limit: ALARMS_MAX, ...of }, "alarmsResponse");
}

/** The transitions of the visible span up to the clock. */
function askHistory(): Promise<AlarmHistoryResponse> {
  const { startMs, stopMs } = visible.value;
  const endMs = Math.max(startMs, Math.min(stopMs, toFineMs(cursor.value)));
  const span = { startTime: fromFineMs(startMs), stopTime: fromFineMs(endMs) };
  const message = { type: "alarmHistory", timebase: timebase.value, limit: TRANSITIONS_MAX, ...span } as const;
  return request(message, "alarmHistoryResponse");
}

function apply(active: AlarmsResponse, setAside: AlarmsResponse | undefined, history: AlarmHistoryResponse | undefined): void {
  batch(() => {
    activeAlarms.value = ofRules(active.alarms);
    if (setAside !== undefined) setAsideAlarms.value = ofRules(setAside.alarms);
    if (history !== undefined) alarmTransitions.value = history.transitions.filter(({ alarm }) => !isOfManifest(alarm));
    isListCut.value = (history ?? setAside ?? active).nextKey != null;
    judgedUntil.value = active.judged ?? null;
    isBehind.value = active.behind === true;
    alarmsPending.value = false;
    alarmsError.value = "";
  });
  if (state.value === "LIVE") presentAlarms.emit(active);
}

function ofRules(all: readonly AlarmInfo[]): AlarmInfo[] {
  return all.filter((one) => !isOfManifest(one)).sort(inListOrder);
}

/** The list is of another time, or another user: replies that are underway do not count. */
export function invalidateAlarms(isOtherUser: boolean): void {
  asked++;
  alarmsPending.value = true;
  [setAsideAlarms.value, alarmTransitions.value] = [null, null];
  if (isOtherUser) activeAlarms.value = null;
}

/** Choose a listing; it is requested. */
export function chooseListing(chosen: AlarmListing): void {
  batch(() => {
    alarmListing.value = chosen;
    [setAsideAlarms.value, alarmTransitions.value] = [null, null];
  });
}

/** Go to the moment of an alarm's last change, with its entity selected. */
export function goToAlarm(of: AlarmInfo, time: string | null | undefined = of.changed): void {
  const { scopeId, systemId, containerId, uniqueId } = of;
  selectEntity({ scopeId, systemId, containerId, uniqueId });
  if (time == null) showToast("This alarm has not changed yet.");
  else seek(time);
}
