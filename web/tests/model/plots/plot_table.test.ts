import { describe, expect, it, vi } from "vitest";
import type { SeriesName } from "../../../src/api/series";
import { sessionOf } from "../session/fake_session";

vi.mock("../../../src/model/session/session", () => sessionOf({ request: () => Promise.reject(new Error("nothing is asked")) }));

const { aboveZero, filledIndexes, lonelyIndexes } = await import("../../../src/model/plots/plot_columns");
const { axisProblem, parsePlots } = await import("../../../src/model/plots/plot_spec");
const { axisNotes, csvOf, drawnFields, statisticsOf } = await import("../../../src/model/plots/plot_table");
const { fieldKey, seriesNameKey } = await import("../../../src/model/values/field_ref");

const SERIES: SeriesName = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "eps", lane: "parsed", messageType: "Power" };
const VOLTS = { series: SERIES, field: "volts" };
const AMPS = { series: SERIES, field: "amps" };
const LINES = new Map([
  [
    seriesNameKey(SERIES),
    {
      sampledUntil: 3,
      buckets: {
        startMs: 0,
        bucketMs: 1_000,
        fields: [
          { field: "volts", count: [2, 0, 1, 1], min: [1, null, 5, 9], max: [3, null, 5, 9], mean: [2, null, 5, 9] },
          { field: "amps", count: [1, 0, 0, 0], min: [7, null, null, null], max: [7, null, null, null], mean: [7, null, null, null] },
        ],
      },
    },
  ],
]);

describe("the numbers of a plot", () => {
  it("are those of the visible span, by the number of values", () => {
    expect(statisticsOf(VOLTS, LINES, { startMs: 0, stopMs: 3_000 })).toEqual({ count: 3, min: 1, max: 5, mean: 3, last: 5 });
    expect(statisticsOf(VOLTS, LINES, { startMs: 5_000, stopMs: 9_000 })).toBeUndefined();
    expect(statisticsOf({ ...VOLTS, field: "none" }, LINES, { startMs: 0, stopMs: 9_000 })).toBeUndefined();
  });

  it("are copied as they are drawn: by time, without hidden lines", () => {
    const plot = { id: "p", fields: [VOLTS, AMPS] };
    const all = csvOf(plot, LINES, { startMs: 0, stopMs: 4_000 }).split("\n");
    expect(all[0]).toBe(
      'time,"s/a/b/eps Power volts mean","s/a/b/eps Power volts min","s/a/b/eps Power volts max",' +
        '"s/a/b/eps Power amps mean","s/a/b/eps Power amps min","s/a/b/eps Power amps max"',
    );
    expect(all.slice(1)).toEqual([
      "1970-01-01T00:00:00.500000000Z,2,1,3,7,7,7",
      "1970-01-01T00:00:02.500000000Z,5,5,5,,,",
      "1970-01-01T00:00:03.500000000Z,9,9,9,,,",
      "",
    ]);
    const hidden = { ...plot, hidden: [fieldKey(VOLTS)] };
    expect(drawnFields(hidden)).toEqual([AMPS]);
    expect(csvOf(hidden, LINES, { startMs: 0, stopMs: 4_000 }).split("\n")).toHaveLength(3);
  });

  it("cannot become a formula in a spreadsheet", () => {
    const field = { series: { ...SERIES, scopeId: '=1+"x"' }, field: "f" };
    expect(csvOf({ id: "p", fields: [field] }, new Map(), { startMs: 0, stopMs: 1 })).toContain(`"'=1+""x""`);
  });
});

describe("the axes of a plot", () => {
  const notes = (axis: object, values: readonly number[], hidden: string[] = []) => {
    const field = { field: "volts", count: values.map(() => 1), min: [...values], max: [...values], mean: [...values] };
    const lines = new Map([[seriesNameKey(SERIES), { buckets: { startMs: 0, bucketMs: 1_000, fields: [field] } }]]);
    return axisNotes({ id: "p", fields: [VOLTS], hidden, axes: { V: axis } }, () => "V", lines, { startMs: 0, stopMs: 9_000 }).join(" ");
  };

  it("say what they cannot show", () => {
    expect(notes({ log: true }, [-5, 0])).toContain("volts has no value above 0 here");
    expect(notes({}, [5, 1e300])).toContain("volts has values beyond 1000000000000000");
    for (const shown of [notes({ log: true }, [-5, 1]), notes({}, [-5, 1]), notes({ min: 0, max: 9 }, [5, 1e300])]) expect(shown).toBe("");
    expect(notes({ log: true }, [-5], [fieldKey(VOLTS)]), "a hidden line").toBe("");
  });
});

describe("the points of a line", () => {
  it("are drawn where no line leads", () => {
    expect(lonelyIndexes([undefined, 5, undefined, undefined])).toEqual([1]);
    expect(lonelyIndexes([1, undefined, 2, null, undefined, 3, null, 4, 5])).toEqual([5]);
    expect(filledIndexes([undefined, 5, null, 0])).toEqual([1, 3]);
  });

  it("are not those that a logarithmic axis cannot show", () => {
    expect(aboveZero([[1, 2, 3, 4], [0.5, 0, -1, undefined]])).toEqual([[1, 2, 3, 4], [0.5, null, null, undefined]]);
  });
});

describe("a stored plot", () => {
  const plot = { id: "p", fields: [VOLTS] };

  it("keeps hidden lines, axes and the table", () => {
    const stored = { ...plot, hidden: [fieldKey(VOLTS)], axes: { V: { min: 1, max: 9, log: true } }, table: true };
    expect(parsePlots(JSON.parse(JSON.stringify([stored])), "plots")).toEqual([stored]);
    expect(parsePlots([{ ...plot, hidden: ["gone"], axes: {} }], "plots")).toEqual([plot]);
  });

  it("names what is wrong with an axis", () => {
    const parsed = (axis: unknown) => () => parsePlots([{ ...plot, axes: { V: axis } }], "plots");
    expect(parsed({ min: "1" })).toThrow('plots[0].axes["V"].min: must be a number.');
    expect(parsed({ min: 2, max: 2 })).toThrow("the lower end must be below the upper one.");
    expect(parsed({ min: 0, log: true })).toThrow("above 0");
    expect(axisProblem({ min: -1, max: 1 })).toBe("");
    for (const end of [1e308, -1e308, Infinity, Number.NaN]) expect(axisProblem({ max: end })).toContain("must be numbers from");
  });
});
