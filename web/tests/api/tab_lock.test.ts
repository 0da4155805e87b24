import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { inOneTab } from "../../src/api/tab_lock";

const stored = new Map<string, string>();

/** Work that records when it begins and ends. */
function recorded(log: string[], name: string): () => Promise<string> {
  return async () => {
    log.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    log.push(`${name} ends`);
    return name;
  };
}

describe("work that one tab does at a time", () => {
  beforeEach(() => {
    stored.clear();
    vi.useFakeTimers();
    vi.stubGlobal("localStorage", {
      getItem: (name: string) => stored.get(name) ?? null,
      setItem: (name: string, value: string) => stored.set(name, value),
      removeItem: (name: string) => stored.delete(name),
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("uses the browser's locks where there are some", async () => {
    const request = vi.fn((_: string, work: () => Promise<string>) => work());
    vi.stubGlobal("navigator", { locks: { request } });
    const done = inOneTab("refresh", recorded([], "a"));
    await vi.runAllTimersAsync();
    expect(await done).toBe("a");
    expect(request).toHaveBeenCalledWith("refresh", expect.any(Function));
  });

  it("takes turns without locks, and removes its lease", async () => {
    vi.stubGlobal("navigator", {});
    const log: string[] = [];
    const done = Promise.all(["a", "b", "c"].map((name) => inOneTab("refresh", recorded(log, name))));
    await vi.runAllTimersAsync();
    expect(await done).toEqual(["a", "b", "c"]);
    for (let index = 0; index < log.length; index += 2) {
      expect(log[index + 1]).toBe(log[index]?.replace("begins", "ends"));
    }
    expect(stored.size).toBe(0);
  });

  it("releases the lease when the work fails", async () => {
    vi.stubGlobal("navigator", {});
    const failed = inOneTab("refresh", () => Promise.reject(new Error("away")));
    const caught = expect(failed).rejects.toThrow("away");
    await vi.runAllTimersAsync();
    await caught;
    expect(stored.size).toBe(0);
  });

  it("does not wait for a tab that was closed with the lease", async () => {
    vi.stubGlobal("navigator", {});
    stored.set("nova.lock.refresh", JSON.stringify({ own: "closed", until: Date.now() + 5_000 }));
    const done = inOneTab("refresh", recorded([], "a"));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(stored.get("nova.lock.refresh")).toContain("closed");
    await vi.runAllTimersAsync();
    expect(await done).toBe("a");
  });
});
