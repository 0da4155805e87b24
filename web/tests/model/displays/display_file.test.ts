import { describe, expect, it } from "vitest";
import { BUILT_IN, type Display, onePage } from "../../../src/model/displays/display";
import { displayJson, displayOf, displayText, parseDisplay } from "../../../src/model/displays/display_file";
import { allPanels, panelAdded, panelHidden, panelMoved, placedPanels } from "../../../src/model/layout/layout";
import { PANEL_KINDS } from "../../../src/model/panels/panel_kinds";

function page(panels: unknown[], more: object = {}): string {
  return JSON.stringify({ version: 1, name: "Power", pages: [{ name: "One", columns: [{ share: 1, panels }], ...more }] });
}

describe("a display in a file", () => {
  it("is unchanged after export and import", () => {
    const series = { scopeId: "s", systemId: "bus", containerId: "eps", uniqueId: "battery", lane: "parsed", messageType: "B" };
    const plots = { id: "plots-2", kind: "plots", title: "Volts", options: { plots: [{ id: "a", fields: [{ series, field: "v" }] }] } };
    const layout = panelAdded(panelHidden(panelMoved(BUILT_IN, "track", { newColumn: 0 }), "chat"), plots);
    const display: Display = { ...onePage("Power", layout), pages: [...onePage("", layout).pages, { name: "Two", ...BUILT_IN }] };
    expect(parseDisplay(displayText(display))).toEqual(display);
  });

  it("has every single kind in the built-in layout but notes and recordings, which are added where they are wanted", () => {
    const single = PANEL_KINDS.filter(({ kind, isSingle }) => (isSingle && kind !== "notes" && kind !== "recordings") || kind === "plots");
    expect(placedPanels(BUILT_IN).map(({ kind }) => kind).sort()).toEqual(single.map(({ kind }) => kind).sort());
  });

  it("may be one of a layout alone, as earlier versions wrote it; panels that it does not name are hidden", () => {
    const found = parseDisplay('{"version":1,"columns":[{"share":1,"panels":[{"id":"plots","share":1}]}],"hidden":["chat"]}').pages[0];
    expect(found?.columns).toEqual([{ share: 1, panels: [{ id: "plots", kind: "plots", share: 1 }] }]);
    expect(found?.hidden.map(({ id }) => id)).toEqual(["entities", "shields", "cards", "values", "track", "inspector", "commands", "alarms", "chat"]);
  });

  it.each([
    ["no JSON", "{", "not JSON"],
    ["a list", "[]", "A display: must be a JSON object"],
    ["another version of a layout", '{"version":2,"columns":[]}', "version"],
    ["an unknown panel of a layout", '{"version":1,"columns":[{"share":1,"panels":[{"id":"radar","share":1}]}]}', "columns[0].panels[0].id"],
    ["a share of nothing", '{"version":1,"columns":[{"share":0,"panels":[]}]}', "columns[0].share"],
    ["a panel of a layout twice", '{"version":1,"columns":[{"panels":[{"id":"plots"},{"id":"plots"}]}]}', '"plots" is there twice'],
    ["another version", '{"version":2,"name":"x","pages":[]}', "version: this NOVA reads displays of version 1."],
    ["no page", '{"version":1,"name":"x","pages":[]}', "pages: 1 to 20 are allowed, not 0."],
    ["no name", '{"version":1,"pages":[{"name":"x","columns":[]}]}', "name: must be a text of 1 to 80 characters."],
    ["a control character", page([{ id: "plots", title: "a\u001b[2J" }]), "panels[0].title: has the control character U+001B."],
    ["a turned name", '{"version":1,"name":"a\u202egnp","pages":[{"name":"x","columns":[]}]}', "name: has the control character U+202E."],
    ["a blank name", '{"version":1,"name":"x","pages":[{"name":" ","columns":[]}]}', "pages[0].name: is blank."],
    ["an unknown member", page([], { rows: [] }), "pages[0].rows: is not known; there are name, columns, hidden."],
    ["an unknown kind", page([{ id: "a", kind: "radar" }]), "pages[0].columns[0].panels[0].kind: must be one of entities"],
    ["an unknown option", page([{ id: "plots", options: { plot: [] } }]), "panels[0].options.plot: is not known; there are plots."],
    ["a second panel of a single kind", page([{ id: "chat" }, { id: "b", kind: "chat" }]), 'one panel of the kind "chat"'],
    ["the id of a single kind", page([{ id: "chat", kind: "gauge" }]), 'one panel of the kind "chat"'],
    ["an id twice", page([{ id: "plots" }], { hidden: [{ id: "plots" }] }), '"plots" is there twice'],
    ["a wrong option", page([{ id: "plots", options: { plots: 1 } }]), "pages[0].columns[0].panels[0].options.plots: must be a list."],
  ])("is refused with the place of the mistake: %s", (_, text, message) => {
    expect(() => parseDisplay(text)).toThrow(message);
  });

  it("keeps what this NOVA does not know, where it opens what was stored", () => {
    const text = page([{ id: "a", kind: "radar", title: "North", options: { range: 9 } }], { hidden: [{ id: "plots", options: { plots: 1 } }] });
    const kept = displayOf(JSON.parse(text), "keep");
    const [radar, plots] = allPanels(kept.pages[0] ?? BUILT_IN);
    expect(radar).toMatchObject({ kind: "radar", title: "North", options: { range: 9 } });
    expect(radar?.trouble).toContain("kind: must be one of");
    expect(plots?.trouble).toContain("options.plots: must be a list.");
    expect(JSON.stringify(displayJson(kept))).not.toContain("trouble");
    expect(displayOf(displayJson(kept), "keep")).toEqual(kept);
  });
});
