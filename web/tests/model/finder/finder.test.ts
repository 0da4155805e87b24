import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { EntityInfo } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

const asked: string[] = [];
const ENTITY = { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId: "battery" };

vi.mock("../../../src/model/session/session", () =>
  sessionOf({
    status: signal({ commandsRequireDescriptor: true }),
    request: async (message: { type: string; uniqueId?: string }) => {
      asked.push(`${message.type} ${message.uniqueId ?? ""}`);
      const fields = message.uniqueId === "battery" ? [{ field: "volts", kind: "number" }, { field: "mode", kind: "string" }] : [];
      const former = { eventId: "0", lane: "parsed", messageType: "Power", ...ENTITY, payload: { voltage: 3 } };
      return { fields, events: message.type === "latest" && message.uniqueId === undefined ? [former] : [] };
    },
  }),
);
vi.stubGlobal("location", { hash: "" });
vi.stubGlobal("history", { state: null, replaceState: () => undefined });
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));

const finder = await import("../../../src/model/finder/finder");
const { LOOKED_UP_MAX_SERIES, lookUpFields } = await import("../../../src/model/finder/found_fields");
const { entities, selectedEntity } = await import("../../../src/model/entities/entities");
const { plots } = await import("../../../src/model/plots/plots");
const { cursor, state } = await import("../../../src/model/clock/clock");
const { display } = await import("../../../src/model/displays/open_display");
const { BUILT_IN, onePage } = await import("../../../src/model/displays/display");
const { openForms } = await import("../../../src/model/commands/command_panel");

function entity(uniqueId: string, capabilities: string[] = []): EntityInfo {
  const series = [{ lane: "parsed" as const, messageType: "Power", lastTime: "2026-01-01T00:00:00Z", events: 1 }];
  const descriptor = capabilities.length === 0 ? null : { capabilities };
  return { scopeId: "sat", systemId: "bus", containerId: "eps", uniqueId, series, descriptor } as unknown as EntityInfo;
}

function keys(): string[] {
  return finder.finderSections.value.flatMap(({ items }) => items.map(({ key }) => key));
}

function run(key: string): void {
  const found = finder.finderSections.value.flatMap(({ items }) => items).find((item) => item.key === key);
  expect(found, key).toBeDefined();
  found?.act();
}

beforeEach(() => {
  entities.value = [entity("battery", ["command:heater.set"]), entity("gps")];
  asked.length = 0;
  display.value = onePage("Default", BUILT_IN);
  finder.openFinder();
});

describe("the finder", () => {
  it("offers panels and actions before anything is typed", () => {
    finder.pageActions.value = [{ key: "action a", group: "Actions", name: "a", detail: "", act: () => undefined }];
    expect(keys()).toContain("panel plots");
    expect(keys()).toContain("action a");
    expect(keys()).toContain("new panel plots");
    expect(keys()).not.toContain("new panel chat");
    expect(keys().some((key) => key.startsWith("entity"))).toBe(false);
  });

  it("selects an entity", () => {
    finder.finderText.value = "gps";
    run("entity sat/bus/eps/gps");
    expect(selectedEntity.value?.uniqueId).toBe("gps");
  });

  it("plots a number, after asking for the fields of series", async () => {
    finder.finderText.value = "bat volts";
    await lookUpFields("bat volts");
    run("field sat/bus/eps/battery parsed Power  volts");
    expect(plots.value.map(({ fields }) => fields.map(({ field }) => field))).toEqual([["volts"]]);
    finder.finderText.value = "battery mode";
    run("field sat/bus/eps/battery parsed Power  mode");
    expect(plots.value).toHaveLength(1);
    expect(selectedEntity.value?.uniqueId).toBe("battery");
  });

  it("finds a field in the past by the name that it had then", async () => {
    for (const [moment, count] of [["PAUSED", 1], ["LIVE", 0]] as const) {
      finder.openFinder();
      state.value = moment;
      finder.finderText.value = "battery voltage";
      await lookUpFields("battery voltage");
      expect(keys().filter((key) => key === "field sat/bus/eps/battery parsed Power  voltage")).toHaveLength(count);
    }
  });

  it("finds a new panel by what is done with it", () => {
    finder.finderText.value = "add gauges";
    expect(keys()).toContain("new panel gauge");
  });

  it("opens the form of a command", () => {
    finder.finderText.value = "heater";
    run("command sat/bus/eps/battery heater.set");
    expect(openForms.value.get("sat/bus/eps/battery")).toBe("heater.set");
  });

  it("goes to a time, and searches for the text", () => {
    finder.finderText.value = "2026-01-31T21:59";
    run("time");
    expect([state.value, cursor.value]).toEqual(["PAUSED", "2026-01-31T21:59:00.000000000Z"]);
    expect(keys().at(-1)).toBe("search");
    finder.finderText.value = "x".repeat(5_000);
    expect(finder.finderSections.value.at(-1)?.items[0]?.name.length).toBeLessThan(120);
  });

  it("looks through the series that the text names first, and says how many it left out", async () => {
    entities.value = Array.from({ length: 100 }, (_, index) => entity(`cell${index}`));
    selectedEntity.value = null;
    finder.finderText.value = "cell77 temperature";
    state.value = "LIVE";
    await lookUpFields("cell77 temperature");
    expect(asked).toHaveLength(LOOKED_UP_MAX_SERIES);
    expect(asked[0]).toBe("fields cell77");
    expect(finder.finderNote.value).toContain("32 of 100 series");
  });
});
