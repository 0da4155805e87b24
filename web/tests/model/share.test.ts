import { beforeEach, describe, expect, it, vi } from "vitest";

const place = { hash: "", href: "" };
const listeners: (() => void)[] = [];
vi.stubGlobal("location", place);
vi.stubGlobal("addEventListener", (_: string, listener: () => void) => listeners.push(listener));
vi.stubGlobal("history", {
  state: null,
  replaceState: (_: unknown, __: string, hash: string) => {
    place.hash = hash;
    place.href = `http://nova/${hash}`;
  },
});

const sent: { type: string; startTime?: string; rate?: unknown }[] = [];
vi.mock("../../src/model/session", () => ({
  notice: { value: "" },
  connection: { value: "open" },
  reconnect: () => undefined,
  request: (message: { type: string }) => {
    sent.push(message);
    return Promise.resolve({});
  },
}));

const share = await import("../../src/model/share");
const { hashValues } = await import("../../src/model/hash");
const { skipping } = await import("../../src/model/skip");
const span = await import("../../src/model/span");
const timeline = await import("../../src/model/timeline");

const MOMENT = "2026-01-31T12:00:00.123456789Z";

describe("a shared address", () => {
  beforeEach(() => {
    sent.length = 0;
    place.hash = "";
  });

  it("names no moment when it is bare", () => {
    expect(share.openAddress()).toBe(false);
  });

  it("opens the moment with its span, selection, rate, direction and clock", () => {
    const range = "2026-01-31T12:00:00Z~2026-01-31T12:00:10Z";
    place.hash = `#t=${MOMENT}&state=playing&rate=10&dir=back&tb=canonical&loop=1&skip=1&sel=${range}`;
    place.hash += "&from=2026-01-31T11:00:00Z&to=2026-01-31T13:00:00Z";
    expect(share.openAddress()).toBe(true);
    expect(timeline.state.value).toBe("PLAYING");
    expect(sent.at(-1)).toMatchObject({ startTime: MOMENT, rate: -10, timebase: "canonical" });
    expect(span.length(span.visible.value)).toBe(2 * 3_600_000);
    expect(span.length(span.selection.value ?? span.visible.value)).toBe(10_000);
    expect([timeline.looping.value, skipping.value]).toEqual([true, true]);
  });

  it("goes LIVE where it says so", () => {
    place.hash = "#state=live&tb=source&len=60000";
    share.openAddress();
    expect(timeline.state.value).toBe("LIVE");
    expect(timeline.looping.value).toBe(false);
    expect(span.length(span.visible.value)).toBe(60_000);
  });

  it("follows what is shown, keeps what it does not know, and opens again what was there", () => {
    place.hash = `#event=abc&t=${MOMENT}`;
    share.openAddress();
    share.keepAddress();
    timeline.chooseRate(5);
    span.select({ startMs: 1000, stopMs: 2000 });
    const link = share.address();
    expect(hashValues().get("event")).toBe("abc");
    timeline.goLive();
    timeline.chooseRate(1);
    span.select(null);
    place.hash = link.slice(link.indexOf("#"));
    share.listenToAddress();
    for (const listener of listeners) listener();
    expect(timeline.cursor.value).toBe(MOMENT);
    expect([timeline.state.value, timeline.rate.value]).toEqual(["PAUSED", 5]);
    expect(span.selection.value).toEqual({ startMs: 1000, stopMs: 2000 });
  });
});
