/** Choices of the form become the time at which a key expires. */

import { expect, test } from "vitest";
import { expiryTime } from "../../../src/model/admin/key_expiry";

const NOW = Date.UTC(2026, 0, 1);

test("days are counted from now, and never is null", () => {
  expect(expiryTime("30", "", NOW)).toBe("2026-01-31T00:00:00.000Z");
  expect(expiryTime("never", "ignored", NOW)).toBeNull();
});

test("a typed time is UTC and ahead of now", () => {
  expect(expiryTime("time", "2026-02-01 12:30", NOW)).toBe("2026-02-01T12:30:00.000000000Z");
  expect(() => expiryTime("time", "soon", NOW)).toThrow("“soon” is no time");
  expect(() => expiryTime("time", "2025-12-31 23:59", NOW)).toThrow("in the past");
});
