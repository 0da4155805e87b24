/** All timers of the page. No other module starts one. */

/** The browser functions that a scheduler needs; a test provides its own. */
export interface SchedulerHost {
  setTimeout(work: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
  setInterval(work: () => void, intervalMs: number): unknown;
  clearInterval(id: unknown): void;
  /** Undefined in environments without animation frames. */
  requestFrame: ((work: () => void) => void) | undefined;
  isHidden(): boolean;
}

export type Cancel = () => void;

export interface EveryOptions {
  /** The work runs only while this returns true. */
  when?: () => boolean;
  /** Whether a hidden page skips it. */
  pausesWhenHidden?: boolean;
  /** When it runs less often, and how often then. */
  rest?: Rest;
}

export interface Rest {
  readonly isResting: () => boolean;
  readonly intervalMs: number;
}

/** A hidden page gets no animation frames; its state is updated at this interval. */
const HIDDEN_FRAME_MS = 250;
const FRAME_MS = 16;

/** The globals are looked up at each call, because tests put fake timers in their place. */
const BROWSER: SchedulerHost = {
  setTimeout: (work, delayMs) => setTimeout(work, delayMs),
  clearTimeout: (id) => clearTimeout(id as number),
  setInterval: (work, intervalMs) => setInterval(work, intervalMs),
  clearInterval: (id) => clearInterval(id as number),
  get requestFrame() {
    return typeof requestAnimationFrame === "function" ? (work: () => void) => void requestAnimationFrame(work) : undefined;
  },
  isHidden: () => typeof document !== "undefined" && document.hidden,
};

export class Scheduler {
  constructor(private readonly host: SchedulerHost = BROWSER) {}

  /** Run once. */
  after(delayMs: number, work: () => void): Cancel {
    const id = this.host.setTimeout(work, delayMs);
    return () => this.host.clearTimeout(id);
  }

  /**
   * Run periodically. While a promise that the work returned is pending no further run starts; a rejection is
   * ignored, because the next run tries again.
   */
  every(intervalMs: number, work: () => unknown, options: EveryOptions = {}): Cancel {
    let isPending = false;
    let restedMs = 0;
    const run = () => {
      if (isPending || (options.pausesWhenHidden === true && this.host.isHidden())) return;
      if (options.when?.() === false) return;
      restedMs += intervalMs;
      if (options.rest?.isResting() === true && restedMs < options.rest.intervalMs) return;
      restedMs = 0;
      const result = work();
      if (!(result instanceof Promise)) return;
      isPending = true;
      result.catch(() => undefined).finally(() => (isPending = false));
    };
    const id = this.host.setInterval(run, intervalMs);
    return () => this.host.clearInterval(id);
  }

  /**
   * Run at the next animation frame, or by a timer if there is none: otherwise work of a page that becomes
   * hidden would be delayed for as long as it is hidden.
   */
  nextFrame(work: () => void): void {
    const { requestFrame } = this.host;
    if (requestFrame === undefined) {
      this.after(FRAME_MS, work);
      return;
    }
    let isDone = false;
    const once = () => {
      if (isDone) return;
      isDone = true;
      work();
    };
    if (!this.host.isHidden()) requestFrame(once);
    this.after(HIDDEN_FRAME_MS, once);
  }

  /** A slot for delayed work that is due at most once. */
  slot(): Slot {
    return new Slot(this);
  }
}

/** At most one pending run. */
export class Slot {
  private cancelPending: Cancel | undefined;

  constructor(private readonly scheduler: Scheduler) {}

  get isPending(): boolean {
    return this.cancelPending !== undefined;
  }

  /** Debounce: a pending run is replaced. */
  restart(delayMs: number, work: () => void): void {
    this.cancel();
    this.cancelPending = this.scheduler.after(delayMs, () => {
      this.cancelPending = undefined;
      work();
    });
  }

  /** Throttle: a pending run is kept, and this one is not added. */
  startIfIdle(delayMs: number, work: () => void): void {
    if (!this.isPending) this.restart(delayMs, work);
  }

  cancel(): void {
    this.cancelPending?.();
    this.cancelPending = undefined;
  }
}

/** The scheduler of the page. */
export const scheduler = new Scheduler();
