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

const { hashValues, putHash, writeHash } = await import("../../src/model/hash");

describe("the hash", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    writeHash();
    written.length = 0;
    place.hash = "";
  });

  it("is written at a bounded pace, with the newest values", () => {
    for (let ms = 0; ms < 2000; ms += 10) {
      putHash({ t: String(ms) });
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(1000);
    expect(written.length).toBeLessThanOrEqual(5);
    expect(place.hash).toBe("#t=1990");
  });

  it("leaves values that it was not told of, and takes back those that are null", () => {
    place.hash = "#event=abc&t=1";
    putHash({ t: null, rate: "2" });
    expect(hashValues().toString()).toBe("event=abc&rate=2");
    writeHash();
    expect(place.hash).toBe("#event=abc&rate=2");
  });

  it("is one for one moment, in whatever order it was reached", () => {
    putHash({ sel: "1~2" });
    writeHash();
    putHash({ rate: "5", dir: "back" });
    writeHash();
    expect(place.hash).toBe("#dir=back&rate=5&sel=1~2");
  });

  it("writes nothing where nothing is new", () => {
    place.hash = "#t=12:00~13:00";
    putHash({ t: "12:00~13:00" });
    writeHash();
    expect(written).toEqual([]);
  });
});
