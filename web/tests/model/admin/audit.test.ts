/** The audit trail: its query, its pages and its export. */

import { beforeEach, expect, test, vi } from "vitest";
import type { Query } from "../../../src/api/protocol";

interface Page {
  events: unknown[];
  nextKey?: string;
}

const world = vi.hoisted(() => ({
  asked: [] as unknown[],
  pages: [] as (Page | Error)[],
  saved: [] as [string, string][],
  /** The events of imports, which are asked for after each page. */
  imports: [] as unknown[],
}));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: (message: unknown) => {
      if (String((message as Query).filters?.messageTypes) === "EventsImported") {
        return Promise.resolve({ events: world.imports });
      }
      world.asked.push(message);
      const page = world.pages.shift() ?? { events: [] };
      return page instanceof Error ? Promise.reject(page) : Promise.resolve(page);
    },
  });
});
vi.mock("../../../src/model/page/clipboard", () => ({
  saveText: (name: string, text: string) => void world.saved.push([name, text]),
}));

const audit = await import("../../../src/model/admin/audit");
const { importedBy } = await import("../../../src/model/admin/audit_imports");
const exporting = await import("../../../src/model/admin/audit_export");

function event(id: string): object {
  return { eventId: id, messageType: "UserLogin", uniqueId: "ann", sourceTruthTime: "2026-01-01T00:00:00Z" };
}

function queries(): Query[] {
  return world.asked as Query[];
}

function shown(): string[] {
  return (audit.auditEvents.value ?? []).map(({ eventId }) => eventId);
}

beforeEach(() => {
  audit.clearAudit();
  [world.asked, world.pages, world.saved, world.imports] = [[], [], [], []];
});

test("without filters the newest events of all principals are queried", () => {
  const query = audit.auditQuery(audit.NO_FILTERS, null);
  expect(query).toMatchObject({ reverse: true, filters: { systemId: "nova", containerId: "audit" } });
  expect(query.filters?.messageTypes).toEqual(expect.arrayContaining(["AdminAction", "AuditGap"]));
  expect(query.filters?.messageTypes).not.toContain("DriverBinding");
  expect(query.filters?.uniqueId).toBeUndefined();
  expect([query.startTime, query.stopTime, query.afterKey]).toEqual([undefined, undefined, undefined]);
});

test("filters become members of the query; a date means all of its day", () => {
  const query = audit.auditQuery({ user: " ann ", kind: "AdminAction", from: "2026-01-01", to: "2026-01-01" }, "k");
  expect(query.filters).toMatchObject({ uniqueId: "ann", messageTypes: ["AdminAction"] });
  expect(query.startTime).toBe("2026-01-01T00:00:00.000000000Z");
  expect(query.stopTime).toBe("2026-01-01T23:59:59.999999999Z");
  expect(query.afterKey).toBe("k");
});

test("a time that is none is reported and not sent", async () => {
  await audit.filterAudit({ ...audit.NO_FILTERS, from: "yesterday" });
  expect(audit.auditError.value).toContain("“yesterday” is no time");
  expect(audit.isAuditLoading.value).toBe(false);
  expect(world.asked).toEqual([]);
});

test("older pages are added below, until there are none", async () => {
  world.pages = [{ events: [event("4"), event("3")], nextKey: "k" }, { events: [event("2")] }];
  await audit.refreshAudit();
  expect([shown(), audit.hasOlderAudit.value]).toEqual([["4", "3"], true]);
  await audit.loadOlderAudit();
  expect([shown(), audit.hasOlderAudit.value]).toEqual([["4", "3", "2"], false]);
  expect(queries().map(({ afterKey }) => afterKey)).toEqual([undefined, "k"]);
  await audit.loadOlderAudit();
  expect(world.asked).toHaveLength(2);
});

test("what an import brought is known, and by whom", async () => {
  world.pages = [{ events: [event("1"), event("2")] }];
  world.imports = [{ ...event("9"), payload: { principal: "eve", eventIds: ["2"] } }];
  await audit.refreshAudit();
  expect([...importedBy.value]).toEqual([["2", "eve"]]);
});

test("a reply to filters that were replaced meanwhile is ignored", async () => {
  world.pages = [{ events: [event("of all")] }, { events: [event("of ann")] }];
  await Promise.all([audit.refreshAudit(), audit.filterAudit({ ...audit.NO_FILTERS, user: "ann" })]);
  expect(shown()).toEqual(["of ann"]);
});

test("an error leaves the events that are shown", async () => {
  world.pages = [{ events: [event("1")], nextKey: "k" }, new Error("the Core does not answer")];
  await audit.refreshAudit();
  await audit.loadOlderAudit();
  expect([shown(), audit.auditError.value]).toEqual([["1"], "the Core does not answer"]);
});

test("an export reads every page, the oldest first, and saves a line for each event", async () => {
  world.pages = [{ events: [event("1"), event("2")], nextKey: "k" }, { events: [event("3")] }];
  await exporting.exportAudit({ ...audit.NO_FILTERS, kind: "UserLogin" });
  const [name, text] = world.saved[0] ?? ["", ""];
  expect(name).toMatch(/^nova-audit-.*\.jsonl$/);
  expect(text.endsWith("\n")).toBe(true);
  expect(text.trim().split("\n").map((line) => (JSON.parse(line) as { eventId: string }).eventId)).toEqual(["1", "2", "3"]);
  expect(queries().map(({ reverse, afterKey }) => [reverse, afterKey])).toEqual([[false, undefined], [false, "k"]]);
  expect(queries()[1]?.filters).toMatchObject({ messageTypes: ["UserLogin"] });
  expect(exporting.auditExportNote.value).toBe("3 events saved.");
});

test("an export that fails, is cancelled or finds nothing saves nothing, and says so", async () => {
  world.pages = [{ events: [event("1")], nextKey: "k" }, new Error("disconnected")];
  await exporting.exportAudit(audit.NO_FILTERS);
  expect(exporting.auditExportNote.value).toBe("disconnected");
  world.pages = [{ events: [event("1")], nextKey: "k" }];
  const running = exporting.exportAudit(audit.NO_FILTERS);
  expect(exporting.auditExported.value).toBe(0);
  exporting.cancelAuditExport();
  await running;
  expect(exporting.auditExportNote.value).toContain("cancelled");
  await exporting.exportAudit(audit.NO_FILTERS);
  expect(exporting.auditExportNote.value).toContain("nothing was saved");
  expect([world.saved, exporting.auditExported.value]).toEqual([[], null]);
});
