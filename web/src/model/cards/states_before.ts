/**
 * The states of all views before a clock that moves backwards, where updates cannot be undone: slices of time are read
 * ahead of it, each the states at its start and the updates behind that. So the cards are exactly at the clock.
 */

import { cursor, rate, state, timebase } from "../clock/clock";
import { request } from "../session/session";
import { eventTime, type StoredEvent } from "../values/event";
import { eventOrder, normalTime } from "../values/event_order";
import { compareTimes, fromFineMs, toFineMs } from "../values/time";
import { allStates, isForwards, showStates } from "./cards";
import { foldUpdates, isDoubtful, isUpdate, stateOfAnswer, viewKey, type ViewState } from "./ui_state";

/** A slice is as long as the clock needs this long for, in either of these. */
const SLICE_PLAYED_MS = 2_000;
const SLICE_MIN_MS = 10_000;
const UPDATES_MAX = 3_000;
/** A slice that the clock passes sooner than this is of no use: there are too many updates. */
const USEFUL_PLAYED_MS = 500;

/** The state of a view behind one of its updates, and before it; undefined before its first. */
interface Step {
  readonly id: string;
  readonly order: string;
  readonly before: ViewState | undefined;
  readonly after: ViewState;
}

interface Slice {
  readonly start: string;
  readonly stop: string;
  /** The states at its start. */
  readonly base: ReadonlyMap<string, ViewState>;
  /** In order. */
  readonly steps: readonly Step[];
}

/** The one that the clock is in, and those before it; the latest first. */
let slices: readonly Slice[] = [];
/** How many steps of the first slice are behind the clock's time; undefined if the cards are not of that slice. */
let passed: number | undefined;
let isTooDense = false;
let generation = 0;

/** The clock has jumped, or another user has logged in. */
export function forgetStatesBefore(): void {
  generation++;
  [slices, passed, isTooDense] = [[], undefined, false];
}

/** Show the states at the clock, if they have been read; false if not. */
export function showStatesBefore(): boolean {
  const now = normalTime(cursor.peek());
  const left = slices.findIndex(({ start }) => start <= now);
  if (left > 0) [slices, passed] = [slices.slice(left), undefined];
  const slice = slices[0];
  if (slice === undefined || now < slice.start || now > slice.stop) {
    passed = undefined;
    return false;
  }
  if (passed === undefined) enter(slice, now);
  else stepBack(slice, now, passed);
  return true;
}

/** Read the next slice, once the clock is in the second half of the last one. */
export async function readStatesBefore(): Promise<void> {
  const speed = rate.peek();
  const lengthMs = typeof speed === "number" ? Math.max(SLICE_MIN_MS, speed * SLICE_PLAYED_MS) : 0;
  const stop = nextStop(lengthMs);
  if (lengthMs === 0 || isTooDense || stop === undefined) return;
  const mine = generation;
  const slice = await readSlice(stop, lengthMs);
  if (mine !== generation) return;
  const usefulMs = USEFUL_PLAYED_MS * (speed as number);
  if (slice === undefined || toFineMs(slice.stop) - toFineMs(slice.start) < usefulMs) isTooDense = true;
  else slices = [...slices, slice];
}

/** Where the next slice ends; undefined while it is not needed. */
function nextStop(lengthMs: number): string | undefined {
  const [last, now] = [slices.at(-1), normalTime(cursor.peek())];
  if (last === undefined || now < last.start) {
    // The clock has left what was read.
    [slices, passed] = [[], undefined];
    return now;
  }
  return toFineMs(now) - toFineMs(last.start) < lengthMs / 2 ? last.start : undefined;
}

/** Undefined where the states before some updates are not known: behind another version of a manifest. */
async function readSlice(stop: string, lengthMs: number): Promise<Slice | undefined> {
  const range = { startTime: fromFineMs(toFineMs(stop) - lengthMs), stopTime: stop };
  const ask = { type: "query", timelineMode: "REPLAY", reverse: true, limit: UPDATES_MAX } as const;
  const reply = await request({ ...ask, ...range, timebase: timebase.peek(), filters: { lanes: ["ui"] } }, "queryResponse");
  const events = reply.events as unknown as StoredEvent[];
  const oldest = events.at(-1);
  const isCut = reply.nextKey != null && oldest !== undefined;
  const start = normalTime(isCut ? eventTime(oldest, timebase.peek()) : range.startTime);
  const base = new Map((await allStates(start)).map((answer) => [viewKey(answer), stateOfAnswer(answer)]));
  const later = events.filter((event) => compareTimes(eventTime(event, timebase.peek()), start) > 0).reverse();
  const steps = stepsOf(base, later);
  return steps.some(({ after }) => isDoubtful(after)) ? undefined : { start, stop: normalTime(stop), base, steps };
}

function stepsOf(base: ReadonlyMap<string, ViewState>, events: readonly StoredEvent[]): Step[] {
  const now = new Map(base);
  const found: Step[] = [];
  for (const event of events) {
    if (!isUpdate(event)) continue;
    const [id, order] = [viewKey(event), eventOrder(event, timebase.peek())];
    const before = now.get(id);
    const folded = foldUpdates(before, [event], timebase.peek());
    // The first update of a view has none before it.
    const after = before === undefined ? { ...folded, completeVersions: new Set(folded.cells.keys()) } : folded;
    now.set(id, after);
    found.push({ id, order, before, after });
  }
  return found;
}

function enter(slice: Slice, now: string): void {
  const states = new Map<string, ViewState | undefined>(slice.base);
  passed = countUpTo(slice.steps, now, slice.steps.length);
  for (const { id, after } of slice.steps.slice(0, passed)) states.set(id, after);
  showStates(states, now, true);
}

function stepBack(slice: Slice, now: string, from: number): void {
  const to = countUpTo(slice.steps, now, from);
  const states = new Map<string, ViewState | undefined>();
  for (const { id, before } of slice.steps.slice(to, from).reverse()) states.set(id, before);
  passed = to;
  showStates(states, now, false);
}

/** How many of the first steps are at or before a time. */
function countUpTo(steps: readonly Step[], now: string, first: number): number {
  let count = first;
  while (count > 0 && (steps[count - 1] as Step).order.slice(0, now.length) > now) count--;
  return count;
}

/** Whether the clock moves backwards. */
export function isBackwards(): boolean {
  return state.value === "PLAYING" && !isForwards();
}
