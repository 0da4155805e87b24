import { describe, expect, it } from "vitest";
import { typedTime } from "../../../src/model/clock/typed_time";
import { parseTime } from "../../../src/model/values/time";

const CURSOR = "2026-11-28T10:00:00.000000500Z";
const NOW_MS = Date.UTC(2026, 10, 30, 12);

function time(text: string): string | undefined {
  const found = typedTime(text, CURSOR, NOW_MS);
  return "time" in found ? found.time : undefined;
}

function fault(text: string): string {
  const found = typedTime(text, CURSOR, NOW_MS);
  return "fault" in found ? found.fault : "";
}

describe("typed times", () => {
  it.each([
    ["2026-01-31 21:59:26.25", "2026-01-31T21:59:26.25Z"],
    ["2026-01-31T21:59:26+02:00", "2026-01-31T19:59:26Z"],
    ["2026-01-31 21:59 UTC", "2026-01-31T21:59:00Z"],
    ["2026-1-3", "2026-01-03T00:00:00Z"],
    ["2026-332T21:59", "2026-11-28T21:59:00Z"],
    ["2024-366", "2024-12-31T00:00:00Z"],
    ["2026/001 00:00:01", "2026-01-01T00:00:01Z"],
    ["21:59:26", "2026-11-28T21:59:26Z"],
    ["7:05", "2026-11-28T07:05:00Z"],
    ["-10m", "2026-11-28T09:50:00.0000005Z"],
    ["+1h30m", "2026-11-28T11:30:00.0000005Z"],
    ["- 1.5 s", "2026-11-28T09:59:58.5000005Z"],
    ["now-1d", "2026-11-29T12:00:00Z"],
    ["1790000000", "2026-09-21T14:13:20Z"],
    ["9223372036", "2262-04-11T23:47:16Z"],
    ["2262-04-11 23:47:16.854775807", "2262-04-11T23:47:16.854775807Z"],
    ["1677-09-21 00:12:43.145224192", "1677-09-21T00:12:43.145224192Z"],
    ["1790000000.5", "2026-09-21T14:13:20.5Z"],
    ["1790000000123", "2026-09-21T14:13:20.123Z"],
    ["1790000000123456", "2026-09-21T14:13:20.123456Z"],
    ["1790000000123456789", "2026-09-21T14:13:20.123456789Z"],
  ])("reads %s", (text, meant) => {
    expect(time(text)).toBe(parseTime(meant));
  });

  it("reads the present", () => {
    expect(typedTime(" Now ", CURSOR, NOW_MS)).toEqual({ isPresent: true });
  });

  it.each([
    ["", "Type a time"],
    ["tomorrow", "“tomorrow” is no time"],
    ["2026-13-01", "no month 13"],
    ["2026-02-29", "no day 29 in 2026-02: it has 28 days"],
    ["2026-366", "no day 366 in 2026: write 001 to 365"],
    ["2026-01-31 late", "“late” is no time of day"],
    ["25:00", "no hour 25"],
    ["21:60", "no minute 60"],
    ["21:59:60", "no second 60"],
    ["-10", "“10” has no unit of time"],
    ["-10y", "“10y” has no unit of time"],
    ["2026", "2026 is no epoch time"],
    ["179000000000000000000", "is no epoch time"],
    ["x".repeat(5_000), "at most 100 characters, not 5,000"],
    ["21:59+99:00", "“+99:00” is no zone"],
    ...["+99999999d", "99999999999", "2262-04-12", "1677-01-01", "0001-01-01", "9999-12-31", "2262-04-11 23:47:16.854775808"].map(
      (text): [string, string] => [text, "cannot be stored: write one of 1677-09-21 to 2262-04-11"],
    ),
  ])("says what is wrong with “%s”", (text, words) => {
    expect(fault(text)).toContain(words);
  });
});
