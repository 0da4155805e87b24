import { describe, expect, it } from "vitest";
import { eventLink, parseLink } from "../../../src/model/address/deep_link";
import type { StoredEvent } from "../../../src/model/values/event";

const EVENT_ID = "ab".repeat(32);
const EVENT = {
  eventId: EVENT_ID,
  sourceTruthTime: "2026-01-01T00:00:00.000000001Z",
  canonicalTruthTime: "2026-01-01T00:00:05Z",
} as StoredEvent;

describe("a link to an event", () => {
  it("opens the event at its time and ignores other values of the hash", () => {
    const url = eventLink(EVENT, "source", "http://nova/#state=live&len=1000&rate=10");
    const values = new URLSearchParams(url.split("#")[1]);
    expect(parseLink(values)).toEqual({ eventId: EVENT_ID, at: EVENT.sourceTruthTime, base: "source" });
    expect(Object.fromEntries(values)).toMatchObject({ t: EVENT.sourceTruthTime, state: "paused", rate: "10" });
    expect(values.has("len")).toBe(false);
  });

  it("says what was known when it was made, and nothing of another link", () => {
    const [first, second] = ["2026-01-01T00:00:07Z", undefined].map((known) => eventLink(EVENT, "source", "http://nova/#known=x", known));
    expect(new URLSearchParams(first?.split("#")[1]).get("known")).toBe("2026-01-01T00:00:07Z");
    expect(new URLSearchParams(second?.split("#")[1]).has("known")).toBe(false);
  });

  it("needs only the event and its time", () => {
    expect(parseLink(new URLSearchParams(`event=${EVENT_ID}&at=2026-01-01T00:00:00Z`))).toEqual({
      eventId: EVENT_ID,
      at: "2026-01-01T00:00:00.000000000Z",
    });
  });

  it.each(["", `event=${EVENT_ID}`, "event=x&at=2026-01-01T00:00:00Z", `event=${EVENT_ID}&at=yesterday`])(
    "is undefined without both: %s",
    (hash) => expect(parseLink(new URLSearchParams(hash))).toBeUndefined(),
  );
});
