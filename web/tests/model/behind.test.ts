import { beforeEach, describe, expect, it } from "vitest";
import * as behind from "../../src/model/behind";
import type { StreamGap } from "../../src/api/protocol";

function gap(second: number, shed: number): StreamGap {
  const time = (of: number) => `2026-01-01T00:00:${String(of).padStart(2, "0")}Z`;
  const base = { type: "gap", playbackRequestId: "a", reason: "slow" } as const;
  return { ...base, fromTime: time(second), toTime: time(second + 1), shed };
}

describe("what a slow browser did not get", () => {
  beforeEach(behind.dismiss);

  it("adds up until it is dismissed, and names what was shed and until when", () => {
    behind.noteGap(gap(10, 1200), 0);
    behind.noteGap(gap(12, 34), 0);
    const found = behind.behind.value;
    expect(found).toMatchObject({ shed: 1234, fromTime: "2026-01-01T00:00:10Z", toTime: "2026-01-01T00:00:13Z" });
    const text = found === null ? "" : behind.behindInWords(found);
    expect(text).toContain("1,234 events");
    expect(text).toContain("00:00:13.000");
    behind.dismiss();
    expect(behind.behind.value).toBeNull();
  });

  it("is over when nothing more is reported; then the note goes, and what it says is kept", () => {
    behind.noteGap(gap(1, 1), 1000);
    behind.tendBehind(2000);
    expect(behind.isBehind.value).toBe(true);
    behind.tendBehind(5000);
    expect([behind.isBehind.value, behind.isNoted.value]).toEqual([false, true]);
    behind.tendBehind(15_000);
    expect(behind.isNoted.value).toBe(false);
    expect(behind.behind.value).not.toBeNull();
  });

  it("is shown again to who asks, until it is dismissed", () => {
    behind.noteGap(gap(1, 1), 0);
    behind.tendBehind(60_000);
    behind.recall();
    behind.tendBehind(120_000);
    expect(behind.isNoted.value).toBe(true);
    behind.dismiss();
    expect(behind.isNoted.value).toBe(false);
  });

  it("keeps when an absence began, however often the connection is tried", () => {
    behind.noteMissed("2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z");
    behind.noteMissed("2026-01-01T00:00:05Z", "2026-01-01T00:00:09Z");
    expect(behind.missed.value).toEqual({ fromTime: "2026-01-01T00:00:00Z", toTime: "2026-01-01T00:00:09Z" });
  });
});
