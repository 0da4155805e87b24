import { describe, expect, it } from "vitest";
import type { KeySpec } from "../../../src/api/protocol";
import { acknowledgedBy, type Acknowledgement, acknowledgementOf } from "../../../src/model/alarms/acknowledgements";
import { type Excursion, excursionAfter, excursionStart, type KeyUpdate } from "../../../src/model/alarms/excursion";
import { isViolation, verdictOf } from "../../../src/model/alarms/limits";
import type { Cell } from "../../../src/model/cards/ui_state";
import type { StoredEvent } from "../../../src/model/values/event";

const SPEC: KeySpec = { type: "number", limits: { warningHigh: 10, criticalHigh: 20 } };
const SEEDS = Array.from({ length: 40 }, (_, seed) => seed + 1);

function at(second: number): string {
  return `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000000Z`;
}

function said(second: number, value: unknown): KeyUpdate {
  return { value, order: `${at(second)} id${second}`, source: at(second) };
}

function newestFirst(all: readonly KeyUpdate[]): KeyUpdate[] {
  return [...all].sort((one, two) => (one.order < two.order ? 1 : -1));
}

describe("an excursion", () => {
  it("begins with the first update of an unbroken run, whatever its severity", () => {
    const all = [said(1, 5), said(2, 11), said(3, 25), said(4, 11)];
    expect(excursionStart(newestFirst(all), SPEC, true)).toEqual({ since: at(2), order: said(2, 0).order, isComplete: true });
  });

  it("is undefined in limits, and incomplete when the past was not read far enough", () => {
    expect(excursionStart([said(2, 5), said(1, 11)], SPEC, true)).toBeUndefined();
    expect(excursionStart([said(2, 11), said(1, 12)], SPEC, false)?.isComplete).toBe(false);
    expect(excursionStart([said(2, 11), said(1, 12)], SPEC, true)?.isComplete).toBe(true);
    expect(excursionStart([said(3, 11), said(2, null), said(1, 12)], SPEC, true)?.since).toBe(at(3));
  });

  it.each(SEEDS)("followed update by update equals the one read back, or has to be read, seed %i", (seed) => {
    let state = seed * 7919;
    const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    const known: KeyUpdate[] = [];
    let cell: Cell | undefined;
    let excursion: Excursion | undefined;
    let decided = 0;
    for (let step = 0; step < 40; step++) {
      // Some updates arrive late.
      const second = random() < 0.3 ? Math.floor(random() * (step + 1)) : step;
      if (known.some(({ source }) => source === at(second))) continue;
      const one = said(second, Math.floor(random() * 25));
      known.push(one);
      const after: Cell = cell === undefined || one.order > cell.order ? { value: one.value, order: one.order } : cell;
      excursion = excursionAfter(excursion, one, cell, after, SPEC);
      const wanted = excursionStart(newestFirst(known), SPEC, true);
      if (excursion === undefined && wanted !== undefined) excursion = wanted;
      else decided++;
      expect(excursion).toEqual(wanted);
      cell = after;
      expect(isViolation(verdictOf(cell.value, SPEC))).toBe(wanted !== undefined);
    }
    expect(decided).toBeGreaterThan(10);
  });
});

const EXCURSION: Excursion = { since: at(10), order: said(10, 0).order, isComplete: true };

function ack(severity: "warning" | "critical", since: number, made: number): Acknowledgement {
  return {
    ...{ scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z", viewId: "v", key: "k", severity },
    ...{ eventId: `a${made}`, sourceTruthTime: at(made), canonicalTruthTime: at(made + 1), since: at(since), user: "ann" },
  };
}

describe("an acknowledgement", () => {
  it("applies from the time when it was made, in either timebase", () => {
    const all = [ack("warning", 10, 20)];
    const by = (until: number | undefined, base: "source" | "canonical") =>
      acknowledgedBy(all, EXCURSION, "warning", until === undefined ? undefined : at(until), base)?.user;
    expect([by(19, "source"), by(20, "source"), by(undefined, "source")]).toEqual([undefined, "ann", "ann"]);
    expect([by(20, "canonical"), by(21, "canonical")]).toEqual([undefined, "ann"]);
  });

  it("does not apply to a later excursion or a higher severity", () => {
    expect(acknowledgedBy([ack("warning", 9, 20)], EXCURSION, "warning", undefined, "source")).toBeUndefined();
    expect(acknowledgedBy([ack("warning", 10, 20)], EXCURSION, "critical", undefined, "source")).toBeUndefined();
    expect(acknowledgedBy([ack("critical", 10, 20)], EXCURSION, "warning", undefined, "source")?.user).toBe("ann");
    expect(acknowledgedBy([ack("warning", 10, 20)], undefined, "warning", undefined, "source")).toBeUndefined();
  });

  it("is parsed from its event; malformed payloads are ignored", () => {
    const payload = { viewId: "v", key: "k", severity: "warning", since: at(10), user: "ann" };
    const event = {
      ...{ eventId: "e", lane: "metadata", messageType: "AlarmAcknowledged", payload },
      ...{ scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z" },
      ...{ sourceTruthTime: at(20), canonicalTruthTime: at(20) },
    } as unknown as StoredEvent;
    expect(acknowledgementOf(event)).toMatchObject({ key: "k", user: "ann", since: at(10) });
    expect(acknowledgementOf({ ...event, payload: { ...payload, user: 7 } })).toBeUndefined();
    expect(acknowledgementOf({ ...event, payload: { ...payload, since: "yesterday" } })).toBeUndefined();
    expect(acknowledgementOf({ ...event, payload: { ...payload, severity: "loud" } })).toBeUndefined();
    expect(acknowledgementOf({ ...event, messageType: "Note" })).toBeUndefined();
  });
});
