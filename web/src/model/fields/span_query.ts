/** Data over a span of time that is requested again when what it depends on changes. */

import { effect, signal, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import { jumps, state, timebase } from "../clock/clock";
import { connection, recoveries } from "../session/session";
import { stillCovers, withMargins } from "../timeline/prefetch";
import type { Span } from "../timeline/span";

const PACE_MS = 250;
const LIVE_INTERVAL_MS = 2_000;
const RETRY_INTERVAL_MS = 3_000;
/** Late data of a past span is there after this time at most. */
const PAST_INTERVAL_MS = 10_000;

export interface SpanQueryOptions<T> {
  /** What is requested, as text: other data is dropped when it changes. */
  readonly about: () => string;
  /** The span that is shown; undefined if there is none. */
  readonly span: () => Span | undefined;
  readonly ask: (span: Span) => Promise<T>;
  /** Whether the newest events are missing, so that it has to be requested again. */
  readonly isBehind: (data: T) => boolean;
}

/** One request in flight, at most one more due. */
export class SpanQuery<T> {
  /** Null until the first reply about what is shown. */
  readonly data = signal<T | null>(null);
  /** Why the last request failed; empty if it did not. */
  readonly error = signal("");
  private about = "";
  /** The connection and the jump that it was requested for. */
  private occasion = "";
  private asked: Span | undefined;
  private requestCount = 0;
  private isDue = false;
  private isBusy = false;
  private readonly pace = scheduler.slot();

  constructor(private readonly of: SpanQueryOptions<T>) {}

  /** Follow the signals that the options read; returns what ends it. */
  start(): () => void {
    const ends = [
      effect(() => this.follow()),
      scheduler.every(LIVE_INTERVAL_MS, () => this.request(), {
        when: () => connection.value === "open",
        pausesWhenHidden: true,
        rest: { isResting: () => state.value !== "LIVE", intervalMs: PAST_INTERVAL_MS },
      }),
      scheduler.every(RETRY_INTERVAL_MS, () => this.request(), { when: () => this.needsAgain(), pausesWhenHidden: true }),
      recoveries.subscribe(() => this.request()),
    ];
    return () => {
      this.requestCount++;
      this.pace.cancel();
      for (const end of ends) end();
    };
  }

  private needsAgain(): boolean {
    const found = this.data.value;
    return this.error.value !== "" || (found !== null && this.of.isBehind(found));
  }

  private follow(): void {
    const about = `${timebase.value} ${this.of.about()}`;
    const occasion = `${connection.value} ${jumps.value}`;
    const span = this.of.span();
    untracked(() => {
      const isOther = occasion !== this.occasion;
      this.occasion = occasion;
      if (about !== this.about) [this.about, this.asked, this.data.value] = [about, undefined, null];
      if (span !== undefined && (isOther || this.asked === undefined || !stillCovers(this.asked, span))) this.request();
    });
  }

  /** Request soon. */
  private request(): void {
    this.isDue = true;
    if (this.isBusy || this.pace.isPending) return;
    this.pace.restart(PACE_MS, () => this.isDue && this.request());
    void this.requestNow();
  }

  private async requestNow(): Promise<void> {
    const span = untracked(this.of.span);
    this.isDue = false;
    if (span === undefined || connection.peek() !== "open") return;
    const mine = ++this.requestCount;
    const about = this.about;
    this.asked = withMargins(span);
    this.isBusy = true;
    try {
      const found = await this.of.ask(this.asked);
      if (mine === this.requestCount && about === this.about) [this.data.value, this.error.value] = [found, ""];
    } catch (error) {
      if (mine === this.requestCount) this.error.value = (error as Error).message;
    }
    this.isBusy = false;
    if (this.isDue) this.request();
  }
}
