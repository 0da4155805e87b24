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
vi.mock("../../../src/model/session/session", () => ({
  notice: { value: "" },
  connection: { value: "open" },
  reconnect: () => undefined,
  request: (message: { type: string }) => {
    sent.push(message);
    return Promise.resolve({});
  },
}));

const urlSync = await import("../../../src/model/address/url_sync");
const { hashValues } = await import("../../../src/model/address/url_hash");
const { isSkippingGaps } = await import("../../../src/model/clock/gap_skip");
const span = await import("../../../src/model/timeline/span");
const clock = await import("../../../src/model/clock/clock");

const MOMENT = "2026-01-31T12:00:00.123456789Z";

describe("a shared address", () => {
  beforeEach(() => {
    sent.length = 0;
    place.hash = "";
  });

  it("opens no moment when the hash is empty", () => {
    expect(urlSync.openUrl()).toBe(false);
  });

  it("opens the moment with its span, selection, rate, direction and clock", () => {
    const range = "2026-01-31T12:00:00Z~2026-01-31T12:00:10Z";
    place.hash = `#t=${MOMENT}&state=playing&rate=10&dir=back&tb=canonical&loop=1&skip=1&sel=${range}`;
    place.hash += "&from=2026-01-31T11:00:00Z&to=2026-01-31T13:00:00Z";
    expect(urlSync.openUrl()).toBe(true);
    expect(clock.state.value).toBe("PLAYING");
    expect(sent.at(-1)).toMatchObject({ startTime: MOMENT, rate: -10, timebase: "canonical" });
    expect(span.spanLength(span.visible.value)).toBe(2 * 3_600_000);
    expect(span.spanLength(span.selection.value ?? span.visible.value)).toBe(10_000);
    expect([clock.looping.value, isSkippingGaps.value]).toEqual([true, true]);
  });

  it("goes LIVE when it says so", () => {
    place.hash = "#state=live&tb=source&len=60000";
    urlSync.openUrl();
    expect(clock.state.value).toBe("LIVE");
    expect(clock.looping.value).toBe(false);
    expect(span.spanLength(span.visible.value)).toBe(60_000);
  });

  it("follows the timeline, keeps unknown values, and reopens the same moment", () => {
    place.hash = `#event=abc&t=${MOMENT}`;
    urlSync.openUrl();
    urlSync.startUrlSync();
    clock.chooseRate(5);
    span.setSelection({ startMs: 1000, stopMs: 2000 });
    const link = urlSync.momentUrl();
    expect(hashValues().get("event")).toBe("abc");
    clock.goLive();
    clock.chooseRate(1);
    span.setSelection(null);
    place.hash = link.slice(link.indexOf("#"));
    urlSync.followUrl();
    for (const listener of listeners) listener();
    expect(clock.cursor.value).toBe(MOMENT);
    expect([clock.state.value, clock.rate.value]).toEqual(["PAUSED", 5]);
    expect(span.selection.value).toEqual({ startMs: 1000, stopMs: 2000 });
  });

  it("is copied from LIVE as the moment, with the span that stood still", () => {
    urlSync.openUrl();
    urlSync.startUrlSync();
    clock.goLive();
    span.visible.value = { startMs: Date.now() - 60_000, stopMs: Date.now() + 5_000 };
    const at = clock.cursor.value;
    const values = new URLSearchParams(urlSync.momentUrl().split("#")[1]);
    expect([values.get("state"), values.get("t"), values.get("len")]).toEqual(["paused", at, null]);
    expect(values.get("from")).toBe(new Date(span.visible.value.startMs).toISOString());
    expect(hashValues().get("state")).toBe("live");
    expect(clock.state.value).toBe("LIVE");
  });
});
