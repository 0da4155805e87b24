import { describe, expect, it } from "vitest";
import {
  compareTimes,
  formatAge,
  formatTime,
  fromFineMs,
  fromMs,
  fromNs,
  parseTime,
  shortAge,
  shortTime,
  toFineMs,
  toMs,
  toNs,
} from "../../../src/model/values/time";

describe("times", () => {
  it("reads the server's nanosecond texts", () => {
    expect(toMs("2026-01-31T12:00:00.123456789Z")).toBe(Date.UTC(2026, 0, 31, 12, 0, 0, 123));
    expect(fromMs(toMs("2026-01-31T12:00:00.5Z"))).toBe("2026-01-31T12:00:00.500Z");
  });

  it("shows the date of a time that is of another day", () => {
    expect(shortTime("2026-01-31T23:30:00.5Z", "2026-01-31T00:00:00Z")).toBe("23:30:00");
    expect(shortTime("2026-01-31T23:30:00.5Z", "2026-02-01T00:00:00Z")).toBe("2026-01-31 23:30:00");
    expect(shortTime("2026-02-01T00:30:00+02:00", "2026-01-31T12:00:00Z")).toBe("22:30:00");
    expect(shortTime("2026-01-31T23:30:00Z", "2026-01-31")).toBe("23:30:00");
  });

  it("compares to the nanosecond and across zones", () => {
    expect(compareTimes("2026-01-01T00:00:00.000000001Z", "2026-01-01T00:00:00.000000002Z")).toBe(-1);
    expect(compareTimes("2026-01-01T00:00:00.12Z", "2026-01-01T00:00:00.120000000Z")).toBe(0);
    expect(compareTimes("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z")).toBe(0);
    expect(compareTimes("2026-01-01T00:00:01Z", "2026-01-01T00:00:00.999999999Z")).toBe(1);
  });

  it("converts nanoseconds exactly, also before 1970", () => {
    for (const text of ["2026-01-31T12:00:00.123456789Z", "1969-12-31T23:59:59.999999999Z"]) {
      expect(fromNs(toNs(text))).toBe(text);
    }
    expect(fromNs(toNs("2026-01-31T12:00:00.999999999Z") + 1n)).toBe("2026-01-31T12:00:01.000000000Z");
  });

  it("converts fractions of milliseconds to the microsecond", () => {
    expect(toFineMs("2026-01-31T12:00:00.123456Z") - toMs("2026-01-31T12:00:00.123Z")).toBeCloseTo(0.456, 3);
    expect(fromFineMs(Date.UTC(2026, 0, 31) + 0.25)).toBe("2026-01-31T00:00:00.000250000Z");
  });

  it("parses typed times, in UTC unless they have a zone", () => {
    expect(parseTime("2026-01-31 12:00")).toBe("2026-01-31T12:00:00.000000000Z");
    expect(parseTime(" 2026-01-31T12:00:00.25+01:00 ")).toBe("2026-01-31T11:00:00.250000000Z");
    expect(parseTime("1969-12-31T23:59:59.123456789Z")).toBe("1969-12-31T23:59:59.123456789Z");
    expect(parseTime("yesterday")).toBeUndefined();
    expect(parseTime("2026-13-31 12:00")).toBeUndefined();
  });

  it("formats times and ages", () => {
    expect(formatTime("2026-01-31T12:00:00.1Z")).toBe("2026-01-31 12:00:00.100");
    expect(formatTime("2026-01-31T00:30:00.25+01:00")).toBe("2026-01-30 23:30:00.250");
    expect([formatAge(1500), formatAge(90_000), formatAge(7_199_000), formatAge(3 * 86_400_000)]).toEqual([
      "1.5 s",
      "90 s",
      "120 min",
      "3 d",
    ]);
    expect([shortAge(400), shortAge(-1_000), shortAge(2_000), shortAge(-12_000)], "no value from after the clock is of now").toEqual(["now", "now", "2 s", "in 12 s"]);
  });
});
