/** The active stream: frames with another id are ignored, LIVE resumes behind its last key. */

import { batch } from "@preact/signals";
import { newId } from "../../api/ids";
import type { StartStream } from "../../api/protocol";
import { CORE_UNAVAILABLE, RequestError, type StreamFrame } from "../../api/socket";
import { request } from "../session/session";
import type { StoredEvent } from "../values/event";
import { reportConflation } from "./conflation_notice";
import { FrameQueue } from "./frame_queue";

/** What to play: mode, start, rate and end. */
export type StreamRequest = Omit<StartStream, "type" | "ref" | "playbackRequestId">;

export interface StreamHandlers {
  moved: (cursor: string, events: StoredEvent[]) => void;
  ended: (cursor: string) => void;
  refused: (error: Error) => void;
  /** The connection has no ids left for streams. */
  idsExhausted: () => void;
}

/** Errors after which a start is retried. */
const TRANSIENT_ERRORS: ReadonlySet<string> = new Set([CORE_UNAVAILABLE, "disconnected", "timeout"]);
/** After a longer absence LIVE does not catch up event by event. */
const RESUME_MAX_MS = 10 * 60_000;

export class PlaybackStream {
  /** When the stream last sent a frame or was started, in ms of this browser's clock. */
  lastHeardMs = 0;
  /** When the stream last sent a frame. */
  lastFrameMs = 0;
  /** The key to resume behind after an interruption. */
  lastKey: string | undefined;
  /** What was started last, and the clock of its last chunk. */
  private run: StreamRequest | undefined;
  private cursor: string | undefined;
  private id: string | undefined;
  private readonly frames = new FrameQueue((frames) => this.apply(frames));

  constructor(private readonly handlers: StreamHandlers) {}

  /** Whether a stream plays, or is about to. */
  get running(): boolean {
    return this.id !== undefined;
  }

  /** Start a stream in place of the one that plays. */
  start(run: StreamRequest): void {
    const id = newId();
    if (this.id === undefined) this.lastHeardMs = Date.now();
    this.id = id;
    this.run = run;
    this.lastKey = run.afterKey ?? undefined;
    this.cursor = this.lastKey === undefined ? undefined : run.startTime ?? undefined;
    request({ type: "startStream", playbackRequestId: id, ...run }, "streamStarted").catch(
      (error: Error) => {
        if (this.id === id) this.failed(error);
      },
    );
  }

  /**
   * The key behind which a replay continues the last one, if it starts where that has got to in the same order:
   * with another rate, or after a pause. A seek has none, nor does a replay after the end.
   */
  continuationKey(run: StreamRequest): string | undefined {
    const last = this.run;
    if (last === undefined || run.startTime !== this.cursor) return undefined;
    const isSameOrder =
      last.timelineMode === run.timelineMode &&
      last.timebase === run.timebase &&
      isBackwards(last) === isBackwards(run);
    return isSameOrder ? this.lastKey : undefined;
  }

  /** Ignore all further frames of the active stream. */
  release(): void {
    this.id = undefined;
  }

  /** Queue a frame for the next animation frame. */
  push(frame: StreamFrame): void {
    this.frames.push(frame);
  }

  /** Apply queued frames now. */
  flush(): void {
    this.frames.flush();
  }

  private failed(error: Error): void {
    this.id = undefined;
    const code = error instanceof RequestError ? error.code : "";
    if (TRANSIENT_ERRORS.has(code)) return;
    if (code === "tooManyStreams") this.handlers.idsExhausted();
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
        this.lastHeardMs = this.lastFrameMs = Date.now();
        if (frame.type === "streamChunk") {
          this.cursor = cursor = frame.cursor;
          events = concatenated(events, frame.events as StoredEvent[]);
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
      reportConflation(frame, Date.now());
      return;
    }
    this.id = this.cursor = undefined;
    if (frame.type === "streamComplete") this.handlers.ended(frame.cursor);
  }
}

function isBackwards({ rate }: StreamRequest): boolean {
  return rate === "-max" || (typeof rate === "number" && rate < 0);
}

function concatenated(first: StoredEvent[], then: StoredEvent[]): StoredEvent[] {
  if (first.length === 0) return then;
  for (const event of then) first.push(event);
  return first;
}

/** How LIVE resumes after an interruption: behind a key, as it began, or at present with a notice. */
export function resumption(
  stream: PlaybackStream,
  state: string,
  timebase: string,
  nowMs: number,
): { afterKey?: string } | "at present" {
  if (state !== "LIVE" || stream.lastFrameMs === 0) return {};
  const isShort = nowMs - stream.lastFrameMs < RESUME_MAX_MS;
  if (timebase === "canonical" && stream.lastKey !== undefined && isShort) {
    return { afterKey: stream.lastKey };
  }
  return "at present";
}
