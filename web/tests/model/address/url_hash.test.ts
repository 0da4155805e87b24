import { beforeEach, describe, expect, it, vi } from "vitest";

const written: string[] = [];
const place = { hash: "" };
vi.stubGlobal("location", place);
vi.stubGlobal("history", {
  state: null,
  replaceState: (_: unknown, __: string, hash: string) => {
    written.push(hash);
    place.hash = hash;
  },
});

const { acceptHash, hashValues, setHash, flushHash } = await import("../../../src/model/address/url_hash");

describe("the hash", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    place.hash = "";
    acceptHash();
    written.length = 0;
  });

  it("is written at a bounded pace, with the newest values", () => {
    for (let ms = 0; ms < 2000; ms += 10) {
      setHash({ t: String(ms) });
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(1000);
    expect(written.length).toBeLessThanOrEqual(5);
    expect(place.hash).toBe("#t=1990");
  });

  it("keeps values under other names, and removes those that are null", () => {
    place.hash = "#event=abc&t=1";
    acceptHash();
    setHash({ t: null, rate: "2" });
    expect(hashValues().toString()).toBe("event=abc&rate=2");
    flushHash();
    expect(place.hash).toBe("#event=abc&rate=2");
  });

  it("is the same for the same moment, whichever way it was reached", () => {
    setHash({ sel: "1~2" });
    flushHash();
    setHash({ rate: "5", dir: "back" });
    flushHash();
    expect(place.hash).toBe("#dir=back&rate=5&sel=1~2");
  });

  it("writes nothing when nothing has changed", () => {
    place.hash = "#t=12:00~13:00";
    acceptHash();
    setHash({ t: "12:00~13:00" });
    flushHash();
    expect(written).toEqual([]);
  });

  it("is not written over an address that a person has changed", () => {
    setHash({ t: "1" });
    place.hash = "#t=9&sel=8~9";
    setHash({ t: "2" });
    vi.advanceTimersByTime(1000);
    expect(place.hash).toBe("#t=9&sel=8~9");
    expect(hashValues().toString()).toBe("sel=8%7E9&t=9");
    acceptHash();
    setHash({ t: "3" });
    vi.advanceTimersByTime(1000);
    expect(place.hash).toBe("#sel=8~9&t=3");
  });
});
