import { describe, expect, it } from "vitest";
import { rememberFrame } from "../../../src/api/raw_text";
import {
  envelopeText,
  exactEvent,
  hexText,
  seriesKey,
  type StoredEvent,
  valueRows,
  valueText,
} from "../../../src/model/values/event";

const base: StoredEvent = {
  eventId: "00",
  scopeId: "sat",
  lane: "parsed",
  systemId: "bus",
  containerId: "eps",
  uniqueId: "battery",
  sourceTruthTime: "2026-01-01T00:00:00Z",
  canonicalTruthTime: "2026-01-01T00:00:00Z",
};

describe("events", () => {
  it("are copied as a producer would send them, with every digit of a 64-bit sequence", () => {
    const text = JSON.stringify({ ...base, sequence: 0 }).replace('"sequence":0', '"sequence":9007199254740993');
    const frame = `{"type":"queryResponse","events":[${text}]}`;
    const { events } = JSON.parse(frame) as { events: [StoredEvent] };
    expect(envelopeText(events[0])).toContain('"sequence": 9007199254740992');
    rememberFrame(events, frame);
    expect(envelopeText(events[0])).toContain('"sequence": 9007199254740993');
    expect(envelopeText(events[0])).not.toContain("canonicalTruthTime");
    expect(exactEvent(events[0])["canonicalTruthTime"]).toBe(base.canonicalTruthTime);
  });

  it("flattens a body into rows", () => {
    const event = { ...base, payload: { volts: 28.5, cells: [1, 2], at: { lat: 1, lon: null } } };
    expect(valueRows(event)).toEqual([
      ["volts", 28.5],
      ["cells", "1, 2"],
      ["at.lat", 1],
      ["at.lon", null],
    ]);
  });

  it("shows the members of a body without a payload", () => {
    const event: StoredEvent = { ...base, lane: "metadata", capabilities: ["a", "b"] };
    expect(valueRows(event)).toEqual([["capabilities", "a, b"]]);
  });

  it("names a series by lane and view or type", () => {
    expect(seriesKey({ ...base, lane: "ui", messageType: "UiUpdate", viewId: "gps" })).toBe("ui gps");
    expect(seriesKey({ ...base, lane: "raw" })).toBe("raw");
  });

  it("shows bytes as hex and numbers short", () => {
    expect(hexText("AAH/", 2)).toBe("00 01 … (3 bytes)");
    expect([valueText(1.23456789), valueText(3), valueText(true), valueText(1e-9)]).toEqual([
      "1.234568",
      "3",
      "true",
      "1e-9",
    ]);
  });
});
