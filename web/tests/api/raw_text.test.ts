import { describe, expect, it } from "vitest";
import { rawTextOf, rememberFrame } from "../../src/api/raw_text";

const TEXTS = [
  '{"eventId":"a","sequence":18446744073709551615,"list":[{"b":1},[2,3]]}',
  String.raw`{"eventId":"b","text":"\"events\":[ , ] } \\"}`,
  "{}",
];

describe("raw text of events", () => {
  it("is the exact substring of the frame", () => {
    const frame = `{"type":"queryResponse","ref":4,"events":[${TEXTS.join(",")}],"nextKey":"c"}`;
    const { events } = JSON.parse(frame) as { events: object[] };
    rememberFrame(events, frame);
    expect(events.map(rawTextOf)).toEqual(TEXTS);
  });

  it("is undefined for an event that was in no reply", () => {
    expect(rawTextOf({ eventId: "a" })).toBeUndefined();
  });
});
