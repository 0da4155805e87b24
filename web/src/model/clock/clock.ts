/**
 * The timeline: one clock, one state. LIVE follows, PLAYING replays at a rate, PAUSED stands still.
 *
 * Every start, seek or change of rate is a new stream with a new id; frames of any other id are dropped.
 */

import { batch, computed, signal } from "@preact/signals";
import type { StreamFrame } from "../../api/socket";
import { Emitter } from "../../emitter";
import { scheduler } from "../../scheduler";
import { connection, coreUnavailable, notice, reconnect, request, unansweredS } from "../session/session";
import { LENGTH_MIN_MS, selection, type Span } from "../timeline/span";
import type { StoredEvent } from "../values/event";
import { fromFineMs, fromMs, toFineMs, toMs } from "../values/time";
import { reportMissed } from "./conflation_notice";
import { DatedAheadQueue } from "./dated_ahead";
import { loopEnd, loopStart } from "./loop";
import { PlaybackStream, resumption, type StreamRequest } from "./stream";

export type ClockState = "LIVE" | "PLAYING" | "PAUSED";
export type Rate = number | "max";
export type Timebase = "source" | "canonical";

export const RATES: readonly Rate[] = [0.1, 0.5, 1, 2, 5, 10, 60, "max"];
const SILENCE_MAX_MS = 3_000;
/** Shortest time between two passes of a loop, however short its selection is. */
const LOOP_PACE_MS = 250;

export const state = signal<ClockState>("PAUSED");
export const cursor = signal<string>(fromMs(Date.now()));
export const rate = signal<Rate>(1);
export const backwards = signal(false);
export const timebase = signal<Timebase>("source");
/** Whether playback restarts at the other end of the selection. */
export const looping = signal(false);
export const cursorMs = computed(() => toMs(cursor.value));

/** Incremented by every seek and change of direction or timebase: shown values are invalid. */
export const jumps = signal(0);

/** Whether a stream that should send frames is silent. */
export const isSilent = signal(false);

/** Whether the clock should move but no data arrives: the shown values are not current. */
export const isStalled = computed(
  () =>
    unansweredS.value > 0 ||
    (state.value !== "PAUSED" && (connection.value !== "open" || coreUnavailable.value || isSilent.value)),
);

/** The newest event that was streamed since the last jump. */
export const newest = signal<StoredEvent | null>(null);

/** Events streamed in LIVE that are dated ahead. */
export const datedAheadQueue = new DatedAheadQueue();

/** Streamed events in the server's order: those up to the clock's time, and all as they arrive. */
export const streamedEvents = new Emitter<[events: StoredEvent[], all: StoredEvent[]]>();

/** When LIVE was interrupted, until it has continued at the present. */
let interruptedMs: number | undefined;

const stream = new PlaybackStream({
  moved: (time, events) => {
    isSilent.value = false;
    endInterruption();
    cursor.value = time;
    const there = state.value === "LIVE" ? datedAheadQueue.admit(events, time, timebase.value) : events;
    const last = there.at(-1);
    if (last !== undefined) newest.value = last;
    streamedEvents.emit(there, events);
  },
  ended: onStreamEnd,
  refused: (error) => {
    stop();
    showError(error);
  },
  idsExhausted: () => reconnect(),
});

/** The upper bound of queries; undefined LIVE in receive time, where no event is later. */
export function queryBound(): string | undefined {
  return state.value === "LIVE" && timebase.value === "canonical" ? undefined : cursor.value;
}

/** A span without events dated ahead while LIVE. */
export function clampToPresent(span: Span): Span {
  if (state.value !== "LIVE" || timebase.value === "canonical") return span;
  const stopMs = Math.max(span.startMs + LENGTH_MIN_MS, Math.min(span.stopMs, toFineMs(cursor.value)));
  return { startMs: span.startMs, stopMs };
}

/** Add a frame of the stream. */
export function receiveFrame(frame: StreamFrame): void {
  stream.push(frame);
}

/** Apply pending frames now. */
export function flush(): void {
  stream.flush();
}

/** The rate as the protocol writes it, direction included. */
export function signedRate(factor: Rate, reverse: boolean): Rate | "-max" {
  if (factor === "max") return reverse ? "-max" : "max";
  return reverse ? -factor : factor;
}

/** Follow the present. The clock is there at once, before the first frame arrives. */
export function goLive(): void {
  batch(() => {
    state.value = "LIVE";
    backwards.value = false;
    cursor.value = fromMs(Date.now());
    jump();
  });
  stream.start(present());
}

/** The LIVE stream, conflated: events that this browser is too slow for are reported, not queued. */
function present(): StreamRequest {
  return { timelineMode: "LIVE", timebase: timebase.value, shed: true };
}

/** Stop where the clock is. */
export function pause(): void {
  if (stream.running) {
    stop();
    return;
  }
  batch(halt);
}

/** Pause and cancel the stream: after a refused start the server still sends the previous one. */
function stop(): void {
  stream.release();
  batch(halt);
  request({ type: "cancelStream" }, "streamCancelled").catch(showError);
}

function halt(): void {
  state.value = "PAUSED";
  jump();
}

/** Play from the clock's time, at the chosen rate and direction. */
export function play(): void {
  const from = loopStart(activeLoop(), toFineMs(cursor.value), backwards.value);
  batch(() => {
    if (from !== undefined) cursor.value = fromFineMs(from);
    if (state.value === "LIVE" || from !== undefined) jump();
    state.value = "PLAYING";
  });
  stream.start(replay());
}

function replay(): StreamRequest {
  const end = loopEnd(activeLoop(), toFineMs(cursor.value), backwards.value);
  const run: StreamRequest = {
    timelineMode: "REPLAY",
    startTime: cursor.value,
    rate: signedRate(rate.value, backwards.value),
    timebase: timebase.value,
    ...(end === undefined ? {} : { stopTime: fromFineMs(end) }),
  };
  const afterKey = stream.continuationKey(run);
  return afterKey === undefined ? run : { ...run, afterKey };
}

/** The selection, if looping is on. */
function activeLoop() {
  return looping.value ? selection.value : null;
}

/** Seek; a running playback continues from there. */
export function seek(time: string): void {
  batch(() => {
    cursor.value = time;
    if (state.value !== "PLAYING") {
      pause();
      return;
    }
    jump();
    stream.start(replay());
  });
}

/** Toggle between play and pause. */
export function toggle(): void {
  if (state.value === "PAUSED") play();
  else pause();
}

/** Set the rate; a running playback restarts with it. */
export function chooseRate(chosen: Rate): void {
  rate.value = chosen;
  if (state.value === "PLAYING") play();
}

/** The next faster or slower rate. */
export function shiftRate(by: 1 | -1): void {
  const next = RATES[RATES.indexOf(rate.value) + by];
  if (next !== undefined) chooseRate(next);
}

/** Reverse the direction. */
export function chooseDirection(reverse: boolean): void {
  backwards.value = reverse;
  jump();
  if (state.value === "PLAYING") play();
  else if (state.value === "LIVE" && reverse) pause();
}

/** Order by the other timebase, at a time in it if one is given. */
export function chooseTimebase(chosen: Timebase, time?: string): void {
  batch(() => {
    timebase.value = chosen;
    if (time !== undefined && state.value !== "LIVE") cursor.value = time;
    jump();
  });
  if (state.value === "PLAYING") play();
  if (state.value === "LIVE") goLive();
}

/** Switch looping of the selection on or off. */
export function chooseLoop(chosen: boolean): void {
  looping.value = chosen;
  if (state.value === "PLAYING") play();
}

/** Resume after a reconnection. LIVE resumes behind the last event if that has a key. */
export function restart(): void {
  const how = resumption(stream, state.value, timebase.value, Date.now());
  stream.release();
  if (how === "at present") {
    goLive();
    interruptedMs = stream.lastFrameMs;
  } else if (state.value === "LIVE") {
    jump();
    stream.start({ ...present(), ...how });
  } else if (state.value === "PLAYING") {
    play();
  }
}

/** Restart a lost stream, and flag a silent one. */
export function checkStream(): void {
  const moving = state.value !== "PAUSED";
  const now = Date.now();
  if (!moving) stream.lastHeardMs = now;
  isSilent.value = now - stream.lastHeardMs > SILENCE_MAX_MS;
  if (moving && !stream.running) restart();
}

/** Report what LIVE has missed once it continues, not with each attempt. */
function endInterruption(): void {
  if (interruptedMs !== undefined) reportMissed(fromMs(interruptedMs), fromMs(Date.now()));
  interruptedMs = undefined;
}

function jump(): void {
  interruptedMs = undefined;
  datedAheadQueue.clear();
  newest.value = null;
  jumps.value++;
}

/** The end of the stream: of the loop, or of the archive. */
function onStreamEnd(time: string): void {
  cursor.value = time;
  // A stream that ends elsewhere than at the loop's end does not restart.
  if (loopStart(activeLoop(), toFineMs(time), backwards.value) === undefined) {
    state.value = "PAUSED";
    jump();
    return;
  }
  scheduler.after(LOOP_PACE_MS, () => {
    if (state.value === "PLAYING" && !stream.running) play();
  });
}

function showError(error: Error): void {
  notice.value = error.message;
}
