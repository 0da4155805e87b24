import { describe, expect, it } from "vitest";
import { hashText } from "../../../src/model/address/url_hash";
import { fromHashValues, toHashValues, type UrlState } from "../../../src/model/address/url_state";

const START = Date.UTC(2026, 0, 31, 12);
const MOMENT: UrlState = {
  state: "PAUSED",
  time: "2026-01-31T12:00:00.123456789Z",
  rate: 10,
  backwards: true,
  timebase: "canonical",
  visible: { startMs: START, stopMs: START + 60_000 },
  following: true,
  selection: { startMs: START + 1000, stopMs: START + 2000 },
  looping: true,
  skipping: true,
};

/** The hash after a browser's round trip. */
function carried(moment: UrlState): string {
  const values = Object.entries(toHashValues(moment)).filter(([, value]) => value !== null);
  return hashText(new URLSearchParams(values as [string, string][]));
}

function opened(hash: string) {
  return fromHashValues(new URLSearchParams(hash));
}

describe("a moment in the address", () => {
  it("opens as the same moment", () => {
    const { following, ...rest } = MOMENT;
    expect(following).toBe(true);
    expect(opened(carried(MOMENT))).toEqual(rest);
  });

  it("keeps a narrow span to below the millisecond", () => {
    const visible = { startMs: START + 0.25, stopMs: START + 2.5 };
    expect(opened(carried({ ...MOMENT, visible }))?.visible?.startMs).toBeCloseTo(START + 0.25, 3);
  });

  it("writes no time in LIVE, and only a length for a span that follows the clock", () => {
    const hash = carried({ ...MOMENT, state: "LIVE", backwards: false, selection: null });
    expect(hash).not.toContain("t=2026");
    expect(opened(hash)).toMatchObject({ state: "LIVE", lengthMs: 60_000 });
    expect(opened(hash)?.visible).toBeUndefined();
  });

  it("goes LIVE or plays only if the hash says so", () => {
    expect(opened("t=2026-01-31T12:00:00Z")?.state).toBe("PAUSED");
    expect(opened("at=2026-01-31T12:00:00Z")?.time).toBe("2026-01-31T12:00:00.000000000Z");
    expect(opened("t=2026-01-31T12:00:00Z&state=playing")?.state).toBe("PLAYING");
    expect(opened("")).toBeUndefined();
    expect(opened("state=playing")).toBeUndefined();
  });

  it("ignores malformed values", () => {
    const found = opened("t=2026-01-31T12:00:00Z&rate=7&tb=lunar&from=x&to=y&sel=~&len=-1&dir=up");
    expect(found).toMatchObject({ rate: 1, backwards: false, selection: null });
    expect(found?.timebase).toBeUndefined();
    expect(found?.visible).toBeUndefined();
    expect(opened("t=yesterday")).toBeUndefined();
  });
});
