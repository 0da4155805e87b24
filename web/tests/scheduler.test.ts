import { beforeEach, describe, expect, it } from "vitest";
import { Scheduler, type SchedulerHost } from "../src/scheduler";

/** A clock that the test moves; intervals are timers that restart themselves. */
class FakeHost implements SchedulerHost {
  isPageHidden = false;
  frames: (() => void)[] = [];
  requestFrame: SchedulerHost["requestFrame"] = (work) => void this.frames.push(work);
  private nowMs = 0;
  private lastId = 0;
  private readonly timers = new Map<number, { atMs: number; intervalMs: number | undefined; work: () => void }>();

  setTimeout(work: () => void, delayMs: number): number {
    this.timers.set(++this.lastId, { atMs: this.nowMs + delayMs, intervalMs: undefined, work });
    return this.lastId;
  }

  setInterval(work: () => void, intervalMs: number): number {
    this.timers.set(++this.lastId, { atMs: this.nowMs + intervalMs, intervalMs, work });
    return this.lastId;
  }

  clearTimeout(id: unknown): void {
    this.timers.delete(id as number);
  }

  clearInterval(id: unknown): void {
    this.timers.delete(id as number);
  }

  isHidden(): boolean {
    return this.isPageHidden;
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (let due = this.next(untilMs); due !== undefined; due = this.next(untilMs)) {
      const [id, timer] = due;
      this.nowMs = timer.atMs;
      if (timer.intervalMs === undefined) this.timers.delete(id);
      else timer.atMs += timer.intervalMs;
      timer.work();
      // The promise of the work, and what the scheduler chains to it, settle in microtasks.
      for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    }
    this.nowMs = untilMs;
  }

  private next(untilMs: number) {
    const due = [...this.timers].filter(([, { atMs }]) => atMs <= untilMs);
    return due.sort(([, one], [, two]) => one.atMs - two.atMs)[0];
  }
}

describe("a scheduler", () => {
  let host: FakeHost;
  let scheduler: Scheduler;
  let runs = 0;
  const run = () => void runs++;

  beforeEach(() => {
    host = new FakeHost();
    scheduler = new Scheduler(host);
    runs = 0;
  });

  it("runs once after a delay, unless that is cancelled", async () => {
    scheduler.after(100, run);
    scheduler.after(100, run)();
    await host.advance(99);
    expect(runs).toBe(0);
    await host.advance(1_000);
    expect(runs).toBe(1);
  });

  it("runs periodically until cancelled, and only while its condition holds", async () => {
    let isWanted = true;
    const cancel = scheduler.every(100, run, { when: () => isWanted });
    await host.advance(250);
    isWanted = false;
    await host.advance(200);
    isWanted = true;
    await host.advance(100);
    cancel();
    await host.advance(500);
    expect(runs).toBe(3);
  });

  it("pauses on a hidden page only the work that is marked so", async () => {
    let seen = 0;
    scheduler.every(100, run);
    scheduler.every(100, () => seen++, { pausesWhenHidden: true });
    host.isPageHidden = true;
    await host.advance(300);
    host.isPageHidden = false;
    await host.advance(100);
    expect([runs, seen]).toEqual([4, 1]);
  });

  it("runs less often while it rests, and at once as often as before afterwards", async () => {
    let isPaused = true;
    scheduler.every(100, run, { rest: { isResting: () => isPaused, intervalMs: 1_000 } });
    await host.advance(3_050);
    expect(runs).toBe(3);
    isPaused = false;
    await host.advance(300);
    expect(runs).toBe(6);
  });

  it("starts no run while the last one is pending, and continues after one that failed", async () => {
    const pending: ((error?: Error) => void)[] = [];
    scheduler.every(100, () => {
      runs++;
      return new Promise<void>((resolve, reject) => pending.push((error) => (error === undefined ? resolve() : reject(error))));
    });
    await host.advance(500);
    expect(runs).toBe(1);
    pending.pop()?.(new Error("refused"));
    await host.advance(100);
    await host.advance(100);
    expect(runs).toBe(2);
  });

  it("runs at the next frame, or by a timer when the page hides before it", async () => {
    scheduler.nextFrame(run);
    host.frames.pop()?.();
    await host.advance(1_000);
    expect(runs).toBe(1);
    scheduler.nextFrame(run);
    await host.advance(1_000);
    host.frames.pop()?.();
    expect(runs).toBe(2);
    host.isPageHidden = true;
    scheduler.nextFrame(run);
    expect(host.frames).toEqual([]);
    await host.advance(1_000);
    host.requestFrame = undefined;
    scheduler.nextFrame(run);
    await host.advance(1_000);
    expect(runs).toBe(4);
  });

  it("has slots: restarting replaces the pending run, starting only if idle keeps it", async () => {
    const [rest, pace] = [scheduler.slot(), scheduler.slot()];
    const done: string[] = [];
    for (const name of ["a", "b", "c"]) {
      rest.restart(100, () => done.push(`rest ${name}`));
      pace.startIfIdle(100, () => done.push(`pace ${name}`));
      await host.advance(60);
    }
    await host.advance(1_000);
    expect(done).toEqual(["pace a", "rest c", "pace c"]);
    rest.restart(100, () => done.push("never"));
    expect(rest.isPending).toBe(true);
    rest.cancel();
    await host.advance(1_000);
    expect([rest.isPending, done.length]).toEqual([false, 3]);
  });
});
