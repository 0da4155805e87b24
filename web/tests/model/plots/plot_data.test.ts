import { beforeEach, describe, expect, it, vi } from "vitest";

const world = vi.hoisted(() => ({ isBehind: true, requests: 0 }));

vi.mock("../../../src/model/session/session", async () => {
  const { signal } = await import("@preact/signals");
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    token: signal(""),
    exportFrames: { subscribe: () => undefined },
    streamFrames: { subscribe: () => undefined },
    connected: { subscribe: () => undefined },
    request: (message: { type: string }) => {
      if (message.type !== "sample") return new Promise(() => undefined);
      world.requests++;
      const values = world.isBehind ? [null, null] : [1, 2];
      const count = world.isBehind ? [0, 0] : [1, 1];
      const field = { field: "volts", count, min: values, max: values, mean: values };
      const reply = { startTime: "2026-01-01T00:00:00Z", bucketNs: 1e9, fields: [field], timebase: "source" };
      return Promise.resolve(world.isBehind ? { ...reply, behind: true } : reply);
    },
  });
});

vi.useFakeTimers();
vi.stubGlobal("document", { hidden: false });
vi.stubGlobal("location", { hash: "" });
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
vi.stubGlobal("addEventListener", () => undefined);

const { showPlots } = await import("./shown_plots");
const { plotSeries, startPlotSync } = await import("../../../src/model/plots/plot_data");
const { BEHIND_INTERVAL_MS } = await import("../../../src/model/plots/sampling");
const { state } = await import("../../../src/model/clock/clock");

const SERIES = {
  scopeId: "s", systemId: "bus", containerId: "eps", uniqueId: "battery", lane: "parsed", messageType: "Battery",
} as const;

function means(): unknown {
  return [...plotSeries.value.values()][0]?.buckets.fields[0]?.mean;
}

describe("samples that are behind", () => {
  beforeEach(() => {
    state.value = "PAUSED";
    showPlots([{ id: "p", fields: [{ series: SERIES, field: "volts" }] }]);
  });

  it("are requested again on a paused page until the sampler has caught up, and not afterwards", async () => {
    startPlotSync();
    await vi.advanceTimersByTimeAsync(500);
    expect(means()).toEqual([null, null]);
    await vi.advanceTimersByTimeAsync(3 * BEHIND_INTERVAL_MS);
    expect(world.requests).toBeGreaterThan(2);
    world.isBehind = false;
    await vi.advanceTimersByTimeAsync(2 * BEHIND_INTERVAL_MS);
    expect(means()).toEqual([1, 2]);
    const until = world.requests;
    await vi.advanceTimersByTimeAsync(5 * BEHIND_INTERVAL_MS);
    expect(world.requests).toBe(until);
  });
});
