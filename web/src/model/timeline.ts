/**
 * The timeline: one clock, one state. LIVE follows, PLAYING replays at a rate, PAUSED stands still.
 *
 * Every start, seek or change of rate is a new stream with a new id; frames of any other id are dropped.
 */

import { computed, signal } from "@preact/signals";
import type { StartStream } from "../api/protocol";
import type { StreamFrame } from "../api/socket";
import type { StoredEvent } from "./event";
import { notice, request } from "./session";
import { fromMs, toMs } from "./time";

export type State = "LIVE" | "PLAYING" | "PAUSED";
export type Rate = number | "max";
export type Timebase = "source" | "canonical";

export const RATES: readonly Rate[] = [0.1, 0.5, 1, 2, 5, 10, 60, 100, "max"];
const BACKWARDS_MAX = -1e6;

export const state = signal<State>("PAUSED");
export const cursor = signal<string>(fromMs(Date.now()));
export const rate = signal<Rate>(1);
export const backwards = signal(false);
export const timebase = signal<Timebase>("source");
export const cursorMs = computed(() => toMs(cursor.value));

/** Moves with every seek, change of direction and of timebase: what was shown is no longer so. */
export const jumps = signal(0);

let playing: string | undefined;
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
  const was = state.value;
  cursor.value = time;
  jumps.value++;
  if (was === "PLAYING") play();
  else pause();
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

/** After a new connection: go on as it was. */
export function restart(): void {
  if (state.value === "LIVE") goLive();
  else if (state.value === "PLAYING") play();
}

function start(of: Pick<StartStream, "timelineMode" | "startTime" | "rate">): void {
  const id = crypto.randomUUID();
  playing = id;
  const message: StartStream = {
    type: "startStream",
    playbackRequestId: id,
    timebase: timebase.value,
    ...of,
  };
  request(message, "streamStarted").catch((error: Error) => {
    if (playing !== id) return;
    playing = undefined;
    if (state.value === "PLAYING") state.value = "PAUSED";
    said(error);
  });
}

/** Take in a frame of the stream. */
export function receive(frame: StreamFrame): void {
  if (frame.type === "streamCancelled") {
    if (frame.playbackRequestId === playing) playing = undefined;
    return;
  }
  if (frame.playbackRequestId !== playing) return;
  cursor.value = frame.cursor;
  if (frame.type === "streamChunk") {
    onEvents(frame.events as StoredEvent[]);
    return;
  }
  playing = undefined;
  state.value = "PAUSED";
  jumps.value++;
}

function said(error: Error): void {
  notice.value = error.message;
}
