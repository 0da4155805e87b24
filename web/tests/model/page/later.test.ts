import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { later } from "../../../src/model/page/later";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("code that is loaded when it is needed", () => {
  it("is loaded once, however often it is asked for", async () => {
    const fetched = vi.fn(() => Promise.resolve("code"));
    const part = later(fetched);
    expect(part.code.value).toBeNull();
    part.load();
    part.load();
    await vi.runAllTimersAsync();
    part.load();
    expect(part.code.value).toBe("code");
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  it("says why it is not there, and is fetched again by itself", async () => {
    const fetched = vi.fn().mockRejectedValueOnce(new Error("no network")).mockResolvedValueOnce("code");
    const part = later(fetched);
    part.load();
    await vi.advanceTimersByTimeAsync(0);
    expect(part.trouble.value).toContain("reload the page");
    await vi.runAllTimersAsync();
    expect([part.code.value, part.trouble.value]).toEqual(["code", ""]);
  });
});
