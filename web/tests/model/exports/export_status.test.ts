import { beforeEach, describe, expect, it, vi } from "vitest";

const world = vi.hoisted(() => ({ asked: [] as { type: string }[], refuses: "", tell: (_: never): void => undefined }));

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    token: () => "the-token",
    exportFrames: { subscribe: (tell: (frame: never) => void) => (world.tell = tell) },
    request: async (message: { type: string }) => {
      world.asked.push(message);
      if (world.refuses !== "") throw new Error(world.refuses);
      return message.type === "export" ? { exportId: "e" } : { drivers: [], preferred: [] };
    },
  });
});
vi.stubGlobal("document", { hidden: false });

const { connection, role } = await import("../../../src/model/session/session");
const { selectedEntity } = await import("../../../src/model/entities/entities");
const { selection, visible } = await import("../../../src/model/timeline/span");
const model = await import("../../../src/model/exports/export_status");
const { exportDriver, exportLanes, exportSelectedOnly, exportRange, exportRefusal, startExportSync, exportStatus, openExport, startExport } = model;

startExportSync();

function told(frame: object): void {
  world.tell({ exportId: "e", ...frame } as never);
}

const MADE = { type: "exportComplete", url: "/exports/e", bytes: 1, expiresAt: "", events: 3, digest: "d", failures: 0 };

beforeEach(() => {
  [world.asked, world.refuses] = [[], ""];
  [exportStatus.value, selection.value, selectedEntity.value] = [null, null, null];
  [connection.value, role.value] = ["open", "operator"];
  [exportRange.value, exportLanes.value, exportSelectedOnly.value, exportDriver.value] = ["visible", new Set(), false, ""];
  visible.value = { startMs: 0, stopMs: 1_000 };
});

describe("an export", () => {
  it("requests the chosen range and filters", async () => {
    selection.value = { startMs: 1, stopMs: 2 };
    selectedEntity.value = { scopeId: "s", systemId: "x", containerId: "y", uniqueId: "z" };
    exportLanes.value = new Set(["raw"]);
    [exportSelectedOnly.value, exportDriver.value] = [true, "one@1.0.0"];
    openExport();
    await startExport();
    expect(world.asked.at(-1)).toMatchObject({
      ...{ type: "export", timebase: "source", driver: "one@1.0.0" },
      filters: { scopeIds: ["s"], systemId: "x", containerId: "y", uniqueId: "z", lanes: ["raw"] },
      ...{ startTime: "1970-01-01T00:00:00.001000000Z", stopTime: "1970-01-01T00:00:00.002000000Z" },
    });
  });

  it("of everything has open ends, and uses the bound drivers", async () => {
    exportRange.value = "all";
    await startExport();
    expect(world.asked.at(-1)).toEqual({ type: "export", timebase: "source", filters: {} });
  });

  it("runs and completes; frames of another export are ignored", async () => {
    await startExport();
    expect(exportStatus.value?.phase).toBe("running");
    told({ type: "exportProgress", done: 1, total: 3, etaS: 2 });
    expect(exportStatus.value).toMatchObject({ phase: "running", done: 1, total: 3, etaS: 2 });
    told({ ...MADE, exportId: "another" });
    expect(exportStatus.value?.phase).toBe("running");
    told(MADE);
    expect(exportStatus.value).toMatchObject({ phase: "complete", complete: { events: 3 } });
    told({ type: "exportCancelled" });
    expect(exportStatus.value?.phase).toBe("complete");
  });

  it("shows the reason when it was refused, failed, cancelled, or lost its connection", async () => {
    world.refuses = "too many";
    await startExport();
    expect(exportStatus.value).toMatchObject({ phase: "failed", message: "too many" });
    world.refuses = "";
    await startExport();
    told({ type: "exportFailed", code: "diskFull", message: "no room" });
    expect(exportStatus.value).toMatchObject({ phase: "failed", message: "no room" });
    await startExport();
    told({ type: "exportCancelled" });
    expect(exportStatus.value?.phase).toBe("cancelled");
    await startExport();
    connection.value = "lost";
    expect(exportStatus.value).toMatchObject({ phase: "failed", message: expect.stringContaining("connection") as string });
  });

  it("is refused with a reason before a request is sent", async () => {
    role.value = "viewer";
    expect(exportRefusal.value).toContain("Your role");
    await startExport();
    role.value = "admin";
    exportRange.value = "selection";
    expect(exportRefusal.value).toContain("No range is selected");
    await startExport();
    connection.value = "lost";
    exportRange.value = "all";
    expect(exportRefusal.value).toContain("Not connected");
    expect(world.asked).toEqual([]);
  });
});
