import { describe, expect, it } from "vitest";
import * as density from "../../../src/model/timeline/density";
import { panSpan, type Span, spanLength, zoomSpan } from "../../../src/model/timeline/span";
import { fromFineMs } from "../../../src/model/values/time";

const VIEW: Span = { startMs: Date.UTC(2026, 0, 1), stopMs: Date.UTC(2026, 0, 1) + 900_000 };
const WIDTH = 1200;

/** The reply of a server that counts one parsed event in each bucket. */
function answered(asked: density.DensityRequest): density.DensityTile {
  const bucketNs = 2 ** asked.level;
  const none: number[] = Array.from({ length: asked.buckets }, () => 0);
  const lanes = { metadata: none, command: none, ui: none, parsed: none.map(() => 1), raw: none };
  const startTime = fromFineMs(asked.span.startMs);
  const reply = { type: "summaryResponse", startTime, bucketNs, timebase: asked.timebase, lanes } as const;
  return density.tileOf(asked, reply, 0);
}

function picture(of: Span, width = WIDTH): density.DensityTile {
  return answered(density.densityRequest(of, width, "source"));
}

describe("the density", () => {
  it("is requested with at most one bucket per pixel and never more than the server's bound", () => {
    for (let view = VIEW; spanLength(view) < 1e13; view = zoomSpan(view, 1.9, view.startMs)) {
      for (const width of [1, 320, 1200, 5000]) {
        const asked = density.densityRequest(view, width, "source");
        const bucketMs = 2 ** asked.level / 1e6;
        expect(spanLength(view) / bucketMs).toBeLessThanOrEqual(width + 1e-6);
        expect(asked.buckets).toBeLessThanOrEqual(4096);
        expect(asked.span.startMs).toBeLessThanOrEqual(view.startMs);
        expect(asked.span.stopMs).toBeGreaterThanOrEqual(view.stopMs);
      }
    }
  });

  it("covers a margin, so that small moves need no request", () => {
    const known = picture(VIEW);
    expect(density.tileServes(known, VIEW, WIDTH, "source")).toBe(true);
    expect(density.tileServes(known, panSpan(VIEW, 200_000), WIDTH, "source")).toBe(true);
    expect(density.tileServes(known, panSpan(VIEW, 900_000), WIDTH, "source")).toBe(false);
    expect(density.tileServes(known, zoomSpan(VIEW, 0.4, VIEW.startMs), WIDTH, "source")).toBe(false);
    expect(density.tileServes(known, VIEW, WIDTH, "canonical")).toBe(false);
  });

  it("is served by the reply to its own request, also if the server counts more coarsely", () => {
    const asked = density.densityRequest(VIEW, WIDTH, "source");
    const coarse = { ...answered(asked), bucketMs: 2 ** (asked.level + 1) / 1e6 };
    expect(density.tileServes(coarse, VIEW, WIDTH, "source")).toBe(true);
  });

  it("shows the best old tile until the new one arrives", () => {
    const near = picture(VIEW);
    const wide = picture(zoomSpan(VIEW, 16, VIEW.startMs));
    const all = [near, wide];
    expect(density.bestTile(all, VIEW, WIDTH, "source")).toBe(near);
    expect(density.bestTile(all, panSpan(VIEW, 4_000_000), WIDTH, "source")).toBe(wide);
    expect(density.bestTile(all, VIEW, WIDTH, "canonical")).toBeUndefined();
    expect(density.bestTile(all, panSpan(VIEW, 1e12), WIDTH, "source")).toBeUndefined();
  });

  it("keeps a bounded number of tiles, and one for each place", () => {
    let all: readonly density.DensityTile[] = [];
    for (let step = 0; step < 100; step++) all = density.withTile(all, picture(panSpan(VIEW, step * 1e7)));
    expect(all.length).toBeLessThanOrEqual(24);
    const before = all.length;
    expect(density.withTile(all, picture(panSpan(VIEW, 99 * 1e7))).length).toBe(before);
  });

  it("is made of single events when the server's buckets would be visible", () => {
    const asked = density.densityRequest({ startMs: VIEW.startMs, stopMs: VIEW.startMs + 1000 }, WIDTH, "source");
    const fine = answered(asked);
    expect(density.isTooCoarse(fine)).toBe(false);
    const none = [0, 0];
    const lanes = { metadata: none, command: none, ui: [2, 1], parsed: none, raw: none };
    const coarse = { ...fine, bucketMs: 1500, startMs: asked.span.startMs, lanes };
    expect(density.isTooCoarse(coarse)).toBe(true);
    expect(density.isTooCoarse({ ...coarse, lanes: { ...lanes, ui: [400, 400] } })).toBe(false);
    expect(density.isTooCoarse({ ...coarse, lanes: { ...lanes, ui: none } })).toBe(false);
    const at = [100.2, 100.3, 600].map((ms) => ({ ms: VIEW.startMs + ms, lane: "ui" as const }));
    const made = density.tileFromEvents(coarse, at);
    expect(made.bucketMs).toBe(fine.bucketMs);
    expect(density.countIn(made, made.span)).toBe(3);
    expect(density.countsAt(made, VIEW.startMs + 600).ui).toBe(1);
    expect(density.countsAt(made, VIEW.startMs + 300).ui).toBe(0);
    expect(density.withTile([coarse], made)).toEqual([made]);
  });

  it("counts by bucket and by span", () => {
    const known = picture(VIEW);
    expect(density.countsAt(known, VIEW.startMs).parsed).toBe(1);
    expect(density.countsAt(known, known.span.startMs - 1).parsed).toBe(0);
    const seen = density.countIn(known, VIEW);
    expect(Math.abs(seen - spanLength(VIEW) / known.bucketMs)).toBeLessThanOrEqual(1);
    expect(density.countIn(known, panSpan(VIEW, 1e10))).toBe(0);
  });
});

describe("a tile that shows the present", () => {
  const NOW = VIEW.startMs + 600_000;
  const known = { ...picture(VIEW), askedMs: NOW - 1_000 };

  function tailOf(count: number): density.DensityRequest & { reply: Parameters<typeof density.withTail>[1] } {
    const asked = density.tailRequest(known, NOW, NOW) as density.DensityRequest;
    const none: number[] = Array.from({ length: asked.buckets }, () => 0);
    const lanes = { metadata: none, command: none, ui: none, parsed: none.map(() => count), raw: none };
    const startTime = fromFineMs(asked.span.startMs);
    return { ...asked, reply: { type: "summaryResponse", startTime, bucketNs: 2 ** asked.level, timebase: "source", lanes } };
  }

  it("asks for its last buckets only, up to now", () => {
    const asked = tailOf(7);
    expect(asked.buckets).toBeLessThan(20);
    const { startMs, stopMs } = density.requestedSpan(asked);
    const edges = [startMs, stopMs].map((ms) => ((ms - known.startMs) / known.bucketMs) % 1);
    expect(edges, "well within its first and last bucket, or the reply could be of coarser ones").toEqual([expect.closeTo(0.25), expect.closeTo(0.75)]);
    expect(asked.span.startMs).toBeLessThanOrEqual(NOW - 5_000);
    expect(asked.span.stopMs).toBeGreaterThanOrEqual(NOW);
    const next = density.withTail(known, asked.reply, NOW) as density.DensityTile;
    expect(density.countsAt(next, NOW - 2_000).parsed).toBe(7);
    expect(density.countsAt(next, NOW - 60_000).parsed).toBe(1);
    expect(density.countsAt(next, NOW + 60_000).parsed).toBe(1);
    expect(next.lanes.parsed).toHaveLength(known.lanes.parsed.length);
  });

  it("is requested whole after some time, when it ends before now, or when the grid differs", () => {
    expect(density.tailRequest({ ...known, wholeMs: NOW - 70_000 }, NOW, NOW)).toBeUndefined();
    expect(density.tailRequest(known, NOW, known.span.stopMs + 1)).toBeUndefined();
    const { reply } = tailOf(7);
    expect(density.withTail(known, { ...reply, bucketNs: reply.bucketNs * 2 }, NOW)).toBeUndefined();
    expect(density.withTail(known, { ...reply, startTime: fromFineMs(NOW - 12_345.678) }, NOW)).toBeUndefined();
  });
});
