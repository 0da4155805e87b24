/** The one stream that plays: its id fences off frames of others, its last key is where LIVE goes on. */

import { batch } from "@preact/signals";
import { newId } from "../api/ids";
import type { StartStream } from "../api/protocol";
import { CORE_AWAY, RequestError, type StreamFrame } from "../api/socket";
import { noteGap } from "./behind";
import type { StoredEvent } from "./event";
import { Frames } from "./frames";
import { request } from "./session";

/** What to play. */
export type Run = Omit<StartStream, "type" | "ref" | "playbackRequestId">;

export interface StreamHandlers {
  moved: (cursor: string, events: StoredEvent[]) => void;
  ended: (cursor: string) => void;
  refused: (error: Error) => void;
  /** The connection has no ids left for streams. */
  usedUp: () => void;
}

/** Errors of a start that say nothing against it: it is tried again. */
const PASSING: ReadonlySet<string> = new Set([CORE_AWAY, "disconnected", "timeout"]);
/** After a longer absence LIVE does not catch up event by event. */
const RESUME_MAX_MS = 10 * 60_000;

export class Stream {
  /** When the stream was last heard, in ms of this browser's clock. */
  heardMs = 0;
  /** The same, but a start that nothing has followed does not count. */
  frameMs = 0;
  /** Where it goes on after an interruption. */
  lastKey: string | undefined;
  private id: string | undefined;
  private readonly frames = new Frames((frames) => this.apply(frames));

  constructor(private readonly handlers: StreamHandlers) {}

  /** Whether a stream plays, or is about to. */
  get running(): boolean {
    return this.id !== undefined;
  }

  /** Start a stream in place of the one that plays. */
  start(run: Run): void {
    const id = newId();
    if (this.id === undefined) this.heardMs = Date.now();
    this.id = id;
    this.lastKey = run.afterKey ?? undefined;
    request({ type: "startStream", playbackRequestId: id, ...run }, "streamStarted").catch(
      (error: Error) => {
        if (this.id === id) this.failed(error);
      },
    );
  }

  /** Take nothing more of what plays. */
  forget(): void {
    this.id = undefined;
  }

  /** Take in a frame; it shows at the next animation frame. */
  take(frame: StreamFrame): void {
    this.frames.take(frame);
  }

  /** Show what waits, now. */
  flush(): void {
    this.frames.flush();
  }

  private failed(error: Error): void {
    this.id = undefined;
    const code = error instanceof RequestError ? error.code : "";
    if (PASSING.has(code)) return;
    if (code === "tooManyStreams") this.handlers.usedUp();
    else this.handlers.refused(error);
  }

  private apply(frames: readonly StreamFrame[]): void {
    batch(() => {
      let cursor: string | undefined;
      let events: StoredEvent[] = [];
      const move = () => {
        if (cursor !== undefined) this.handlers.moved(cursor, events);
        [cursor, events] = [undefined, []];
      };
      for (const frame of frames) {
        if (this.id === undefined || frame.playbackRequestId !== this.id) continue;
        this.heardMs = this.frameMs = Date.now();
        if (frame.type === "streamChunk") {
          cursor = frame.cursor;
          events = joined(events, frame.events as StoredEvent[]);
          this.lastKey = frame.lastKey ?? this.lastKey;
        } else {
          move();
          this.end(frame);
        }
      }
      move();
    });
  }

  private end(frame: Exclude<StreamFrame, { type: "streamChunk" }>): void {
    if (frame.type === "gap") {
      noteGap(frame, Date.now());
      return;
    }
    this.id = undefined;
    if (frame.type === "streamComplete") this.handlers.ended(frame.cursor);
  }
}

function joined(first: StoredEvent[], then: StoredEvent[]): StoredEvent[] {
  if (first.length === 0) return then;
  for (const event of then) first.push(event);
  return first;
}

/** How LIVE goes on after an interruption: behind a key, as it began, or at present with a note. */
export function resumption(
  stream: Stream,
  state: string,
  timebase: string,
  nowMs: number,
): { afterKey?: string } | "at present" {
  if (state !== "LIVE" || stream.frameMs === 0) return {};
  const isShort = nowMs - stream.frameMs < RESUME_MAX_MS;
  if (timebase === "canonical" && stream.lastKey !== undefined && isShort) {
    return { afterKey: stream.lastKey };
  }
  return "at present";
}
