import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const sent: { type: string; time?: string }[] = [];
vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: (message: { type: string }) => {
      sent.push(message);
      return Promise.resolve({});
    },
  });
});

const clock = await import("../../../src/model/clock/clock");
const { connection } = await import("../../../src/model/session/session");
const { startCursorReport } = await import("../../../src/model/clock/cursor_report");
startCursorReport();

function stated(): (string | undefined)[] {
  return sent.filter(({ type }) => type === "setCursor").map(({ time }) => time);
}

describe("the cursor report", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    clock.goLive();
    sent.length = 0;
  });
  afterEach(() => {
    vi.runAllTimers();
    vi.useRealTimers();
  });

  it("is sent before any other request when the clock is paused", () => {
    clock.pause();
    expect(sent.map(({ type }) => type)).toEqual(["setCursor", "cancelStream"]);
    expect(stated()).toEqual([clock.cursor.value]);
  });

  it("is sent when a person seeks into the past, and throttled during a drag", () => {
    clock.seek("2026-01-01T00:00:00Z");
    for (let second = 1; second < 50; second++) clock.seek(`2026-01-01T00:00:${String(second).padStart(2, "0")}Z`);
    expect(stated().length).toBeLessThanOrEqual(2);
    vi.runAllTimers();
    expect(stated().at(-1)).toBe("2026-01-01T00:00:49Z");
    expect(stated().length).toBeLessThanOrEqual(3);
  });

  it("is not sent while the server moves the clock", () => {
    clock.seek("2026-01-01T00:00:00Z");
    vi.runAllTimers();
    sent.length = 0;
    clock.play();
    clock.goLive();
    vi.runAllTimers();
    expect(stated()).toEqual([]);
  });

  it("is sent again on a new connection", () => {
    clock.pause();
    sent.length = 0;
    connection.value = "lost";
    connection.value = "open";
    expect(stated()).toEqual([clock.cursor.value]);
  });
});
