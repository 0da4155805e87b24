import { describe, expect, it } from "vitest";
import type { KeySpec } from "../../../src/api/protocol";
import { gaugeScale, gaugeShare } from "../../../src/model/kinds/gauge_kind";

const LIMITED = { type: "number", limits: { criticalLow: 0, warningLow: 10, warningHigh: 90, criticalHigh: 100 } } as KeySpec;

describe("the scale of a gauge", () => {
  it("reaches just beyond the outermost limits, with zones between them and without overlap", () => {
    const { low, high, zones } = gaugeScale(LIMITED, 50, {});
    expect([low, high]).toEqual([-15, 115]);
    expect(zones.map((zone) => [zone.severity, zone.low, zone.high])).toEqual([
      ["warning", 0, 10],
      ["warning", 90, 100],
      ["critical", -15, 0],
      ["critical", 100, 115],
    ]);
  });

  it("is what its options say", () => {
    expect(gaugeScale(LIMITED, 50, { low: 20, high: 80 })).toEqual({ low: 20, high: 80, zones: [] });
  });

  it("without limits holds the value", () => {
    expect(gaugeScale({ type: "any" }, 13.4, {})).toMatchObject({ low: 0, high: 20 });
    expect(gaugeScale({ type: "any" }, -13.4, {})).toMatchObject({ low: -20, high: 20 });
    expect(gaugeScale({ type: "any" }, undefined, {}).high).toBeGreaterThan(0);
  });

  it("keeps values beyond its ends at the ends", () => {
    const scale = gaugeScale(LIMITED, 50, {});
    expect([gaugeShare(-1e9, scale), gaugeShare(50, scale), gaugeShare(1e9, scale)]).toEqual([0, 0.5, 1]);
  });
});
