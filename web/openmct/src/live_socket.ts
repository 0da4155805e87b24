/** The events and alarms of the present: one stream over one WebSocket, for all that is watched. */

import type { AlarmUpdates, Filters, Request, StreamChunk } from "../../src/api/protocol";
import type { SeriesName } from "../../src/api/series";
import type { StoredEvent } from "../../src/model/values/event";
import { liveFilters } from "./live_filters";
import { isOfSeries } from "./series_parameters";

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;
/** Watchers that come and go together change the stream once. */
const CHANGE_MS = 100;
const FOLLOW_ID = "openmct";

interface Watcher {
  readonly series: SeriesName;
  readonly onEvent: (event: StoredEvent) => void;
}

type Frame = StreamChunk | AlarmUpdates | { type: "streamStarted" } | { type: "error"; code: string; message: string; playbackRequestId?: string | null };

export class LiveSocket {
  private socket: WebSocket | undefined;
  private retryMs = RETRY_FIRST_MS;
  private readonly watchers = new Set<Watcher>();
  private readonly followers = new Set<() => void>();
  private changing: ReturnType<typeof setTimeout> | undefined;
  private streamed = "";
  private streams = 0;
  /** Behind the last event that was received. */
  private lastKey: string | undefined;
  private cursor: string | undefined;

  constructor(private readonly url: string) {}

  /** Hear each event of a series from now on, in the order of receipt. */
  watch(series: SeriesName, onEvent: (event: StoredEvent) => void): () => void {
    const watcher = { series, onEvent };
    this.watchers.add(watcher);
    this.change();
    return () => {
      this.watchers.delete(watcher);
      this.change();
    };
  }

  /** Hear that alarms are known, and each time that some have changed. */
  follow(onChange: () => void): () => void {
    this.followers.add(onChange);
    this.connect();
    this.sendFollow();
    return () => {
      this.followers.delete(onChange);
      if (this.followers.size === 0) this.send({ type: "unfollowAlarms" });
    };
  }

  private connect(): void {
    if (this.socket !== undefined) return;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      this.retryMs = RETRY_FIRST_MS;
      this.streamed = "";
      this.apply();
      this.sendFollow();
    };
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data as string) as Frame);
    socket.onclose = () => this.reconnectLater();
  }

  private reconnectLater(): void {
    this.socket = undefined;
    if (this.watchers.size === 0 && this.followers.size === 0) return;
    setTimeout(() => this.connect(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }

  private change(): void {
    clearTimeout(this.changing);
    this.changing = setTimeout(() => this.apply(), CHANGE_MS);
  }

  /** Stream what is watched now. */
  private apply(): void {
    if (this.watchers.size === 0) {
      if (this.streamed !== "") this.send({ type: "cancelStream" });
      [this.streamed, this.lastKey, this.cursor] = ["", undefined, undefined];
      return;
    }
    this.connect();
    const filters = liveFilters([...this.watchers].map(({ series }) => series));
    const wanted = JSON.stringify(filters);
    if (this.streamed === wanted || !this.send(this.startOf(filters))) return;
    this.streamed = wanted;
  }

  /** A stream from where the one before it was, so that nothing between them is left out. */
  private startOf(filters: Filters): Request {
    const from = this.lastKey !== undefined ? { afterKey: this.lastKey } : this.cursor !== undefined ? { startTime: this.cursor } : {};
    const playbackRequestId = `openmct-${++this.streams}`;
    return { type: "startStream", playbackRequestId, timelineMode: "LIVE", timebase: "canonical", shed: true, filters, ...from };
  }

  private sendFollow(): void {
    if (this.followers.size > 0) this.send({ type: "followAlarms", followId: FOLLOW_ID, timebase: "source" });
  }

  /** Whether a message could be sent; what could not be is sent by `onopen`. */
  private send(message: Request): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  private receive(frame: Frame): void {
    if (frame.type === "streamChunk") this.receiveChunk(frame);
    else if (frame.type === "alarmUpdates" && (frame.whole === true || frame.alarms.length > 0)) for (const follower of this.followers) follower();
    else if (frame.type === "error") this.fail(frame);
  }

  private receiveChunk(chunk: StreamChunk): void {
    this.cursor = chunk.cursor;
    this.lastKey = chunk.lastKey ?? this.lastKey;
    for (const event of chunk.events as StoredEvent[]) {
      for (const { series, onEvent } of this.watchers) if (isOfSeries(event, series)) onEvent(event);
    }
  }

  /** A stream that was refused or has failed is tried again, over another connection. */
  private fail({ code, message, playbackRequestId }: { code: string; message: string; playbackRequestId?: string | null }): void {
    console.warn(`NOVA: ${code}: ${message}`);
    if (playbackRequestId == null) return;
    [this.lastKey, this.cursor] = [undefined, undefined];
    this.socket?.close();
  }
}
