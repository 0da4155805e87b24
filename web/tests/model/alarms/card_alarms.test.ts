import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { AlarmInfo, CardManifest } from "../../../src/api/protocol";
import { sessionOf } from "../session/fake_session";

vi.mock("../../../src/model/session/session", () => sessionOf({ request: () => Promise.reject(new Error("nothing is asked")) }));

const { applyPresent } = await import("../../../src/model/alarms/alarm_states");
const found = await import("../../../src/model/alarms/card_alarms");
const { cardOf } = await import("../../../src/model/cards/card");
const { cards } = await import("../../../src/model/cards/cards");
const { staleViews } = await import("../../../src/model/cards/stale_views");
const { state } = await import("../../../src/model/clock/clock");
const { alarmName } = await import("../../../src/model/alarms/alarm_list");

const ENTITY = { scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z" };
const JUDGED = "2026-01-01T00:00:00Z";
const MANIFEST: CardManifest = {
  ...{ manifestId: "m", manifestVersion: "1", viewId: "v", entityType: "t", title: "Pump" },
  allowedKeys: {
    heat: { type: "number", title: "Heat", limits: { warningHigh: 10 } },
    valve: { type: "string", limits: { critical: ["shut"] } },
    note: { type: "string" },
  },
};
const CELLS = new Map<string, unknown>(Object.entries({ heat: 99, valve: "open", note: "n" }));
const VIEW = {
  ...{ ...ENTITY, viewId: "v", manifestId: "m", manifestVersion: "1", order: "", doubt: false },
  cells: new Map([["1", new Map([...CELLS].map(([key, value]) => [key, { value, order: "" }]))]]),
  completeVersions: new Set(["1"]),
};
const CARD = cardOf(VIEW, MANIFEST);

function alarm(field: string, more: Partial<AlarmInfo> = {}): AlarmInfo {
  const of = { ...ENTITY, rule: `v:${field}`, lane: "ui", messageType: "UiUpdate", viewId: "v", field };
  return { ...of, state: "raised", severity: "warning", ...more };
}

function receive(alarms: AlarmInfo[], more: object = {}): void {
  applyPresent({ type: "alarmUpdates", followId: "f", time: JUDGED, judged: JUDGED, behind: false, whole: true, alarms, ...more });
}

function verdicts(): unknown[] {
  return [...CELLS.keys()].map((key) => found.verdictOf(CARD, key));
}

describe("the values of cards", () => {
  beforeEach(() => {
    state.value = "LIVE";
    cards.value = new Map([[CARD.id, signal(CARD)]]);
  });

  it("are as the Core says, whatever the page could think of them", () => {
    receive([]);
    expect(verdicts()).toEqual(["ok", "ok", undefined]);
    expect(found.valueTotals.value).toMatchObject({ inLimits: 2, out: 0, acknowledged: 0, worst: "ok" });
    receive([alarm("valve", { severity: "critical" }), alarm("heat", { state: "acknowledged" })]);
    expect(verdicts()).toEqual(["warning", "critical", undefined]);
    expect(found.valueTotals.value).toMatchObject({ inLimits: 0, out: 1, acknowledged: 1, worst: "critical", worstAcknowledged: "warning" });
    expect([found.statusOf(CARD), found.isAcknowledged(CARD)]).toEqual(["critical", false]);
    receive([alarm("heat", { state: "cleared", severity: null })]);
    expect(verdicts()).toEqual(["ok", "ok", undefined]);
    expect(alarmName(alarm("heat"))).toBe("Pump Heat");
  });

  it("have the colour of a rule's alarm too, and are counted once they are not shelved", () => {
    receive([alarm("note", { rule: "words", severity: "severe" }), alarm("heat", { shelved: true })]);
    expect(verdicts()).toEqual(["warning", "ok", "critical"]);
    expect(found.valueTotals.value).toMatchObject({ inLimits: 1, out: 1, worst: "critical" });
  });

  it("of a silent view are stale and not in limits, and out of limits all the same if they were", () => {
    receive([]);
    staleViews.value = new Set([CARD.id]);
    expect(verdicts()).toEqual(["stale", "stale", undefined]);
    expect(found.statusOf(CARD)).toBe("stale");
    expect(found.valueTotals.value).toMatchObject({ inLimits: 0, stale: 2, worst: undefined });
    receive([alarm("heat")]);
    expect([found.verdictOf(CARD, "heat"), found.statusOf(CARD)]).toEqual(["warning", "warning"]);
    staleViews.value = new Set();
  });

  it("count once, whatever alarms they have, and as out until all of these are acknowledged", () => {
    const rule = (state: AlarmInfo["state"], more: Partial<AlarmInfo> = {}) => alarm("heat", { rule: "hot", state, ...more });
    receive([alarm("heat"), rule("raised", { severity: "severe" })]);
    expect(found.valueTotals.value).toMatchObject({ inLimits: 1, out: 1, acknowledged: 0, worst: "critical" });
    receive([alarm("heat", { severity: "critical", state: "acknowledged" }), rule("raised")]);
    expect(found.valueTotals.value).toMatchObject({ inLimits: 1, out: 1, acknowledged: 0, worst: "warning" });
    receive([alarm("heat", { state: "acknowledged" }), rule("acknowledged"), alarm("valve", { rule: "shut", shelved: true })]);
    expect(found.valueTotals.value).toMatchObject({ inLimits: 0, out: 0, acknowledged: 1, worst: undefined, worstAcknowledged: "warning" });
  });

  it("are not within limits where that is not judged, or their alarm is disabled", () => {
    receive([alarm("heat", { state: "normal", severity: null, disabled: true })]);
    expect(verdicts()).toEqual([undefined, "ok", undefined]);
    expect(found.statusOf(CARD), "its other value is in limits").toBeUndefined();
    receive([], { behind: true });
    expect(verdicts()).toEqual([undefined, undefined, undefined]);
    expect([found.statusOf(CARD), found.valueTotals.value.inLimits]).toEqual([undefined, 0]);
    receive([], { judged: undefined, behind: true });
    expect(verdicts()).toEqual([undefined, undefined, undefined]);
  });
});
