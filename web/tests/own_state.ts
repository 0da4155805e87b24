// Test files share processes, which saves most of the time of a run. Each begins with modules of its
// own, and nothing that it has stubbed or left to a timer reaches the next.
import { afterAll, vi } from "vitest";

vi.resetModules();

const { setTimeout, setInterval } = globalThis;
const timers: ReturnType<typeof setTimeout>[] = [];

function kept<Start extends (...given: never[]) => ReturnType<typeof setTimeout>>(start: Start) {
  return (...given: Parameters<Start>) => {
    const timer = start(...given);
    timers.push(timer);
    return timer;
  };
}

Object.assign(globalThis, { setTimeout: kept(setTimeout), setInterval: kept(setInterval) });

afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  for (const timer of timers) clearTimeout(timer);
  Object.assign(globalThis, { setTimeout, setInterval });
});
