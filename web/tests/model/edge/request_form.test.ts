import { describe, expect, it } from "vitest";
import type { CardControl } from "../../../src/api/protocol";
import type { EdgeEntity } from "../../../src/model/edge/edge_entities";
import { isShown } from "../../../src/model/edge/edge_cards";
import { initialTexts, parseRequest, shownFields, withChoice } from "../../../src/model/edge/request_form";

const CONTROL: CardControl = {
  request: "editPump",
  title: "Edit",
  members: { pumpId: "id" },
  fields: {
    "settings.name": { type: "string", title: "Name", required: true, beginsWith: "settings.name" },
    "settings.mode": { type: "enum", title: "Mode", labels: { fast: "Fast", slow: "Slow" }, default: "slow" },
    "settings.speed": { type: "integer", title: "Speed", minimum: 1, shownIf: { "settings.mode": ["fast"] } },
    "settings.tags": { type: "string", title: "Tags", many: true, beginsWith: "settings.tags" },
    isOn: { type: "boolean", title: "On", default: true },
    note: { type: "string", title: "Note", shownIf: { isOn: [false] } },
  },
};
const DATA = { id: "p1", settings: { name: "main", tags: ["a", "b"] } } as unknown as EdgeEntity;

describe("a request's form", () => {
  it("begins with what the card says, else with defaults", () => {
    expect(initialTexts(CONTROL, DATA)).toEqual({
      "settings.name": "main",
      "settings.mode": "slow",
      "settings.speed": "",
      "settings.tags": "a,b",
      isOn: "true",
      note: "",
    });
  });

  it("makes the members of the request by their paths, without what is hidden or empty", () => {
    const texts = { ...initialTexts(CONTROL, DATA), "settings.speed": "7", note: "hidden" };
    expect(parseRequest(CONTROL, texts, DATA)).toEqual({
      members: { pumpId: "p1", settings: { name: "main", mode: "slow", tags: ["a", "b"] }, isOn: true },
      problems: new Map(),
    });
    const fast = { ...texts, "settings.mode": "fast", "settings.tags": " , ", isOn: "false" };
    expect(parseRequest(CONTROL, fast, DATA).members).toEqual({
      pumpId: "p1",
      settings: { name: "main", mode: "fast", speed: 7 },
      isOn: false,
      note: "hidden",
    });
  });

  it("says what is wrong with each field that is shown", () => {
    const texts = { "settings.name": "", "settings.mode": "fast", "settings.speed": "0", isOn: "true" };
    const { problems } = parseRequest(CONTROL, texts, DATA);
    expect([...problems.keys()]).toEqual(["settings.name", "settings.speed"]);
    expect(problems.get("settings.speed")).toBe("“Speed” must be at least 1, not 0.");
    expect(shownFields(CONTROL, texts).map(([path]) => path)).not.toContain("note");
  });

  it("shows what its condition names", () => {
    const of = (data: Record<string, unknown>) => (key: string) => data[key];
    expect(isShown({ state: ["live", "tied"], mine: [true] }, of({ state: "tied", mine: true }))).toBe(true);
    expect(isShown({ state: ["live"] }, of({}))).toBe(false);
    expect(isShown(undefined, of({}))).toBe(true);
  });

  it("keeps the order of choices", () => {
    expect(withChoice("raw", ["ui", "parsed", "raw"], "ui", true)).toBe("ui,raw");
    expect(withChoice("ui,raw", ["ui", "parsed", "raw"], "raw", false)).toBe("ui");
  });
});
