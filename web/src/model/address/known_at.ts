/**
 * The receive time up to which the archive was known when a link was made. In source time late data may have come
 * since: then the link shows another past than its sender saw.
 */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { chooseTimebase, jumps, state, timebase } from "../clock/clock";
import { selectedEntity } from "../entities/entities";
import { listLate, listNoLate } from "../events/inspector";
import { findLate, type LateEvents, lateIn } from "../events/late_events";
import { showPanel } from "../layout/layout_store";
import { connection, request } from "../session/session";
import { PLAYING_INTERVAL_MS } from "../timeline/moves";
import { type Span, visible } from "../timeline/span";
import { compareTimes, formatTime, parseTime, toFineMs } from "../values/time";
import { hashValues, setHash } from "./url_hash";
import { isMomentShown } from "./url_sync";

export const KNOWN = "known";
/** A link that is copied waits no longer for the Core. */
const COPY_WAIT_MS = 1_000;
const REST_MS = 300;
const RETRY_MS = 3_000;

/** Of the link that is shown; null if it has none, and LIVE. */
export const knownAt = signal<string | null>(null);
/** Why the link's time is none up to which anything was known; empty if it is one. */
export const knownFault = signal("");
/** When the Core was asked last what came late, by its clock; what came after that may be shown already. */
export const lateAskedAt = signal<string | null>(null);
/** Whether what is shown is newer than the last answer: nothing is said of it then. */
export const isLateUnknown = signal(true);
const late = signal<LateEvents | null>(null);
const pause = scheduler.slot();
let questions = 0;

/** What came late to the visible span; undefined while it is not known, or without meaning. */
export const lateInView = computed(() => {
  const found = late.value;
  if (found === null || knownAt.value === null || !isAsked() || !covers(found.span, visible.value)) return undefined;
  return { events: lateIn(found, visible.value), isWhole: found.isWhole };
});

/** Whether the visible span goes on behind what was known: there everything is newer than the link. */
export const isNewerInView = computed(() => knownAt.value !== null && visible.value.stopMs > toFineMs(knownAt.value));

/** Follow the links that are opened. Call once. */
export function startKnownAt(): void {
  effect(() => {
    if (isMomentShown.value) untracked(open);
  });
  effect(() => {
    if (state.value === "LIVE" && isMomentShown.value && knownAt.value !== null) untracked(forgetKnown);
  });
  effect(() => {
    // With each of them the page shows what has been received by now.
    void [visible.value, jumps.value, selectedEntity.value, knownAt.value, connection.value];
    if (isAsked()) untracked(askSoon);
  });
  scheduler.every(PLAYING_INTERVAL_MS, ask, { when: () => state.value === "PLAYING" && isAsked() });
  effect(() => listLate(lateInView.value?.events ?? null));
  effect(() => {
    if (isMomentShown.value && !isMeant()) listNoLate();
  });
}

/** The receive time of the last event of the archive; undefined if the Core does not say it soon. */
export async function knownNow(): Promise<string | undefined> {
  const found = request({ type: "extent", timebase: "canonical" }, "extentResponse").then(({ stopTime, time }) => stopTime ?? time);
  const waited = new Promise<undefined>((resolve) => scheduler.after(COPY_WAIT_MS, () => resolve(undefined)));
  return Promise.race([found, waited]).catch(() => undefined);
}

/** List the late events of the visible span. */
export function showLate(): void {
  listLate(lateInView.peek()?.events ?? null, true);
  showPanel("inspector");
}

/** Go to the receive time of the last event that was known: what was received later is not there. */
export function showAsKnown(): void {
  const time = knownAt.peek();
  if (time !== null) chooseTimebase("canonical", time);
}

/** The page is no longer about what was known when the link was made. */
export function forgetKnown(): void {
  pause.cancel();
  batch(() => ([knownAt.value, late.value] = [null, null]));
  setHash({ [KNOWN]: null });
}

function open(): void {
  const text = hashValues().get(KNOWN);
  // The link's check has said that LIVE knows no such time; the address does not repeat it.
  if (text !== null && state.value === "LIVE") setHash({ [KNOWN]: null });
  // What is wrong with another text, the link's check says.
  const time = text === null || state.value === "LIVE" ? undefined : parseTime(text);
  batch(() => ([knownAt.value, late.value, knownFault.value] = [time ?? null, null, ""]));
}

/** Whether late events mean anything: by receive time the past never changes. */
function isMeant(): boolean {
  return knownAt.value !== null && timebase.value === "source" && state.value !== "LIVE";
}

function isAsked(): boolean {
  return isMeant() && connection.value === "open";
}

/** Ask once the clock and the span rest. An answer that is under way is older than what is shown. */
function askSoon(): void {
  questions++;
  isLateUnknown.value = true;
  pause.restart(REST_MS, () => void ask());
}

async function ask(): Promise<void> {
  const [known, span, mine] = [knownAt.peek(), visible.peek(), ++questions];
  if (known === null) return;
  try {
    const { time } = await request({ type: "extent", timebase: "canonical" }, "extentResponse");
    if (mine !== questions) return;
    if (compareTimes(known, time) > 0) return refuse(known, time);
    const answer = await findLate(known, span, late.peek());
    if (mine === questions) batch(() => ([late.value, lateAskedAt.value, isLateUnknown.value] = [answer, time, false]));
  } catch {
    if (mine === questions) pause.restart(RETRY_MS, () => void ask());
  }
}

function refuse(known: string, now: string): void {
  forgetKnown();
  knownFault.value = `The link's known must be a time that has come, not “${formatTime(known)}”: now is ${formatTime(now)}.`;
}

function covers(asked: Span | null, span: Span): boolean {
  return asked === null || (asked.startMs <= span.startMs && span.stopMs <= asked.stopMs);
}
