import { beforeEach, describe, expect, it } from "vitest";
import type { StreamGap } from "../../../src/api/protocol";
import * as notices from "../../../src/model/clock/conflation_notice";

function gap(second: number, shed: number): StreamGap {
  const time = (of: number) => `2026-01-01T00:00:${String(of).padStart(2, "0")}Z`;
  const base = { type: "gap", playbackRequestId: "a", reason: "slow" } as const;
  return { ...base, fromTime: time(second), toTime: time(second + 1), shed };
}

describe("the conflation notice", () => {
  beforeEach(notices.dismissNotices);

  it("adds reports up until it is dismissed, with their number and interval", () => {
    notices.reportConflation(gap(10, 1200), 0);
    notices.reportConflation(gap(12, 34), 0);
    const found = notices.conflation.value;
    expect(found).toMatchObject({ dropped: 1234, fromTime: "2026-01-01T00:00:10Z", toTime: "2026-01-01T00:00:13Z" });
    const text = found === null ? "" : notices.conflationText(found);
    expect(text).toContain("1,234 events");
    expect(text).toContain("00:00:13.000");
    notices.dismissNotices();
    expect(notices.conflation.value).toBeNull();
  });

  it("hides when no more is reported, and keeps its contents", () => {
    notices.reportConflation(gap(1, 1), 1000);
    notices.updateConflation(2000);
    expect(notices.isBehind.value).toBe(true);
    notices.updateConflation(5000);
    expect([notices.isBehind.value, notices.isNoticeShown.value]).toEqual([false, true]);
    notices.updateConflation(15_000);
    expect(notices.isNoticeShown.value).toBe(false);
    expect(notices.conflation.value).not.toBeNull();
  });

  it("is shown again on request, until it is dismissed", () => {
    notices.reportConflation(gap(1, 1), 0);
    notices.updateConflation(60_000);
    notices.pinNotice();
    notices.updateConflation(120_000);
    expect(notices.isNoticeShown.value).toBe(true);
    notices.dismissNotices();
    expect(notices.isNoticeShown.value).toBe(false);
  });

  it("keeps the start of an outage over repeated attempts to connect", () => {
    notices.reportMissed("2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z");
    notices.reportMissed("2026-01-01T00:00:05Z", "2026-01-01T00:00:09Z");
    expect(notices.missed.value).toEqual({ fromTime: "2026-01-01T00:00:00Z", toTime: "2026-01-01T00:00:09Z" });
  });
});
