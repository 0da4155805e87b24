/**
 * The timeline: one clock, one state. LIVE follows, PLAYING replays at a rate, PAUSED stands still.
 *
 * Every start, seek or change of rate is a new stream with a new id; frames of any other id are dropped.
 */

import { batch, computed, signal } from "@preact/signals";
import { newId } from "../api/ids";
import type { StartStream } from "../api/protocol";
import { CORE_AWAY, RequestError, type StreamFrame } from "../api/socket";
import type { StoredEvent } from "./event";
import { notice, reconnect, request } from "./session";
import { fromMs, toMs } from "./time";

export type State = "LIVE" | "PLAYING" | "PAUSED";
export type Rate = number | "max";
export type Timebase = "source" | "canonical";

export const RATES: readonly Rate[] = [0.1, 0.5, 1, 2, 5, 10, 60, 100, "max"];
const BACKWARDS_MAX = -1e6;
const SILENCE_MAX_MS = 3_000;
/** Errors of a start that say nothing against it: it is tried again. */
const PASSING: ReadonlySet<string> = new Set([CORE_AWAY, "disconnected", "timeout"]);

export const state = signal<State>("PAUSED");
export const cursor = signal<string>(fromMs(Date.now()));
export const rate = signal<Rate>(1);
export const backwards = signal(false);
export const timebase = signal<Timebase>("source");
export const cursorMs = computed(() => toMs(cursor.value));

/** Moves with every seek, change of direction and of timebase: what was shown is no longer so. */
export const jumps = signal(0);

/** Whether a stream that should move has been silent: what is shown may not be the present. */
export const silent = signal(false);

let playing: string | undefined;
let heardMs = 0;
let onEvents: (events: StoredEvent[]) => void = () => undefined;

/** Who is told of streamed events, in the server's order. */
export function deliver(events: (events: StoredEvent[]) => void): void {
  onEvents = events;
}

/** The rate as the protocol writes it, direction included. */
export function signedRate(factor: Rate, reverse: boolean): Rate {
  if (factor === "max") return reverse ? BACKWARDS_MAX : "max";
  return reverse ? -factor : factor;
}

/** Follow the present. */
export function goLive(): void {
  state.value = "LIVE";
  backwards.value = false;
  jumps.value++;
  start({ timelineMode: "LIVE" });
}

/** Stop where the clock is. */
export function pause(): void {
  const wasPlaying = playing !== undefined;
  playing = undefined;
  state.value = "PAUSED";
  jumps.value++;
  if (wasPlaying) request({ type: "cancelStream" }, "streamCancelled").catch(said);
}

/** Play from where the clock is, at the chosen rate and direction. */
export function play(): void {
  if (state.value === "LIVE") jumps.value++;
  state.value = "PLAYING";
  start({
    timelineMode: "REPLAY",
    startTime: cursor.value,
    rate: signedRate(rate.value, backwards.value),
  });
}

/** Move the clock; what played goes on playing from there. */
export function seek(time: string): void {
  batch(() => {
    cursor.value = time;
    if (state.value === "PLAYING") {
      jumps.value++;
      play();
    } else {
      pause();
    }
  });
}

/** Play and pause with one key. */
export function toggle(): void {
  if (state.value === "PAUSED") play();
  else pause();
}

/** Change the rate, now if something plays. */
export function chooseRate(chosen: Rate): void {
  rate.value = chosen;
  if (state.value === "PLAYING") play();
}

/** Turn around. */
export function chooseDirection(reverse: boolean): void {
  backwards.value = reverse;
  jumps.value++;
  if (state.value === "PLAYING") play();
  else if (state.value === "LIVE" && reverse) pause();
}

/** Order by the other clock. */
export function chooseTimebase(chosen: Timebase): void {
  timebase.value = chosen;
  jumps.value++;
  if (state.value === "PLAYING") play();
  if (state.value === "LIVE") goLive();
}

/** After a new connection: go on as it was, from where the clock is. */
export function restart(): void {
  playing = undefined;
  if (state.value === "LIVE") goLive();
  else if (state.value === "PLAYING") play();
}

/** Look after the stream: one that was lost is started again, one that is silent is said to be. */
export function tend(): void {
  const moving = state.value !== "PAUSED";
  const now = Date.now();
  if (!moving) heardMs = now;
  silent.value = now - heardMs > SILENCE_MAX_MS;
  if (moving && playing === undefined) restart();
}

function start(of: Pick<StartStream, "timelineMode" | "startTime" | "rate">): void {
  const id = newId();
  if (playing === undefined) heardMs = Date.now();
  playing = id;
  const message: StartStream = {
    type: "startStream",
    playbackRequestId: id,
    timebase: timebase.value,
    ...of,
  };
  request(message, "streamStarted").catch((error: Error) => {
    if (playing === id) refused(error);
  });
}

function refused(error: Error): void {
  playing = undefined;
  const code = error instanceof RequestError ? error.code : "";
  if (PASSING.has(code)) return;
  if (code === "tooManyStreams") {
    reconnect();
    return;
  }
  state.value = "PAUSED";
  said(error);
}

/** Take in a frame of the stream. */
export function receive(frame: StreamFrame): void {
  if (frame.type === "streamCancelled") {
    if (frame.playbackRequestId === playing) playing = undefined;
    return;
  }
  if (frame.playbackRequestId !== playing) return;
  heardMs = Date.now();
  batch(() => {
    silent.value = false;
    cursor.value = frame.cursor;
    if (frame.type === "streamChunk") {
      onEvents(frame.events as StoredEvent[]);
      return;
    }
    playing = undefined;
    state.value = "PAUSED";
    jumps.value++;
  });
}

function said(error: Error): void {
  notice.value = error.message;
}
