/**
 * Applies frames of the stream at most once per animation frame: a fast stream does not repaint faster
 * than the screen, and nothing is reordered or dropped here.
 */

import type { StreamFrame } from "../../api/socket";
import { scheduler } from "../../scheduler";

/** At this many pending events they are applied at once, which bounds memory. */
const PENDING_EVENTS_MAX = 20_000;

/** A queue that passes on, in order, all frames received since the last animation frame. */
export class FrameQueue {
  private pending: StreamFrame[] = [];
  private pendingEvents = 0;
  private isDue = false;

  constructor(private readonly apply: (frames: readonly StreamFrame[]) => void) {}

  /** Add a frame. */
  push(frame: StreamFrame): void {
    this.pending.push(frame);
    if (frame.type === "streamChunk") this.pendingEvents += frame.events.length;
    if (this.pendingEvents >= PENDING_EVENTS_MAX) this.flush();
    else this.schedule();
  }

  /** Apply pending frames now. */
  flush(): void {
    if (this.pending.length === 0) return;
    const frames = this.pending;
    this.pending = [];
    this.pendingEvents = 0;
    this.apply(frames);
  }

  private schedule(): void {
    if (this.isDue) return;
    this.isDue = true;
    scheduler.nextFrame(() => {
      this.isDue = false;
      this.flush();
    });
  }
}
