import { describe, expect, it } from "vitest";
import { onePage } from "../../../src/model/displays/display";
import { display } from "../../../src/model/displays/open_display";
import { panelOf, placedPanels } from "../../../src/model/layout/layout";
import { addPanel, layout, maximise, maximised, pageWidthPx, showPanel } from "../../../src/model/layout/layout_store";
import { dropField } from "../../../src/model/layout/field_drag";
import { applySettings } from "../../../src/model/layout/panel_settings";
import { type OptionSchema, parseOptions } from "../../../src/model/panels/option_schema";
import { kindsToAdd, panelTitle } from "../../../src/model/panels/panel_kinds";

const SERIES = { scopeId: "s", systemId: "bus", containerId: "eps", uniqueId: "battery", lane: "ui", messageType: "", viewId: "v" };
const SCHEMA: OptionSchema = {
  note: { label: "Note", type: "text", maxChars: 5 },
  least: { label: "Least", type: "number", min: 0, max: 10 },
  shape: { label: "Shape", type: "choice", choices: { dial: "Dial", bar: "Bar" } },
  log: { label: "Log", type: "flag" },
  fields: { label: "Fields", type: "fields", max: 2 },
  marks: { label: "Marks", type: "list", max: 1, members: { at: { label: "At", type: "number" } } },
  more: { label: "More", type: "json", parse: (value, name) => { if (value === 1) return 2; throw new Error(`${name}: must be 1.`); } },
};

describe("the options of a kind", () => {
  it("are what the schema allows, each of them or none", () => {
    expect(parseOptions(SCHEMA, undefined, "options")).toEqual({});
    const all = { note: "", least: 10, shape: "bar", log: false, fields: [{ series: SERIES, field: "v" }], marks: [{ at: -1 }] };
    expect(parseOptions(SCHEMA, { ...all, more: 1 }, "options")).toEqual({ ...all, more: 2 });
  });

  it.each([
    ["a list", [], "options: must be a JSON object."],
    ["an unknown one", { size: 1 }, "options.size: is not known; there are note, least, shape, log, fields, marks, more."],
    ["a long text", { note: "123456" }, "options.note: must be a text of 0 to 5 characters."],
    ["a number as text", { least: "1" }, "options.least: must be a number of at least 0 and at most 10."],
    ["a large number", { least: 11 }, "options.least: must be a number of at least 0 and at most 10."],
    ["no number", { marks: [{ at: null }, {}] }, "options.marks: has 2 entries, at most 1 are allowed."],
    ["another choice", { shape: "disc" }, "options.shape: must be one of dial, bar."],
    ["no flag", { log: 0 }, "options.log: must be true or false."],
    ["a field without a name", { fields: [{ series: SERIES, field: "" }] }, "options.fields[0].field: must be a text of 1 to 256 characters."],
    ["a member of an entry", { marks: [{ at: true }] }, "options.marks[0].at: must be a number."],
    ["what a function refuses", { more: 3 }, "options.more: must be 1."],
  ])("are refused with the place of the mistake: %s", (_, value, message) => {
    expect(() => parseOptions(SCHEMA, value, "options")).toThrow(message);
  });
});

describe("a field that is dropped", () => {
  const field = { series: SERIES as never, field: "volts" };
  const fieldsIn = () => placedPanels(layout.value).map(({ id, options }) => [id, (options as { plots?: { fields: unknown[] }[] } | undefined)?.plots?.map(({ fields }) => fields.length)]);

  it("goes to the plot or the panel under it, and beside others as a new panel", () => {
    const plots = { id: "plots", kind: "plots", share: 1, options: { plots: [{ id: "a", fields: [] }, { id: "b", fields: [] }] } };
    const chat = { id: "chat", kind: "chat", share: 1 };
    display.value = onePage("Two", { columns: [{ share: 1, panels: [plots, chat] }], hidden: [] });
    const place = { target: { column: 0, row: 2 }, left: 0, top: 0, width: 1, height: 1 };
    dropField({ panel: plots, part: "a", place }, field);
    expect(fieldsIn()).toEqual([["plots", [1, 0]], ["chat", undefined]]);
    dropField({ panel: panelOf(layout.value, "plots") ?? plots, part: undefined, place }, field);
    expect(fieldsIn()).toEqual([["plots", [1, 1]], ["chat", undefined]]);
    dropField({ panel: chat, part: undefined, place: null }, field);
    dropField({ panel: chat, part: undefined, place }, field);
    expect(fieldsIn()).toEqual([["plots", [1, 1]], ["chat", undefined], ["plots-2", [1]]]);
  });
});

describe("the panels of a page", () => {
  it("are added, titled, given options, and maximised", () => {
    display.value = onePage("Empty", { columns: [], hidden: [] });
    expect(addPanel("plots")).toBe("plots");
    const id = addPanel("plots", { plots: [] });
    const panel = panelOf(layout.value, id);
    if (panel === undefined) throw new Error("it was not added");
    expect(applySettings(panel, " Power ", { plots: [{ id: "a", fields: [] }] })).toBe("");
    expect(panelOf(layout.value, id)).toMatchObject({ title: "Power", options: { plots: [{ id: "a", fields: [] }] } });
    expect(applySettings(panel, "Power", { plots: 1 })).toBe("options.plots: must be a list.");
    expect(panelTitle(panelOf(layout.value, id) ?? panel)).toBe("Power");
    applySettings(panel, "", {});
    expect(panelTitle(panelOf(layout.value, id) ?? panel)).toBe("Plots");
    maximise(id);
    expect(maximised.value?.id).toBe(id);
    pageWidthPx.value = 400;
    expect(maximised.value).toBeUndefined();
    pageWidthPx.value = 1_280;
    showPanel("chat");
    expect(maximised.value).toBeUndefined();
    expect(kindsToAdd(layout.value).map(({ kind }) => kind)).toContain("plots");
    expect(kindsToAdd(layout.value).map(({ kind }) => kind)).not.toContain("chat");
  });
});
