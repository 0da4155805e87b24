/** An export: its settings, progress and download. An export ends with its connection. */

import { computed, effect, signal } from "@preact/signals";
import type { DriverInfo, Export, ExportComplete, Filters } from "../../api/protocol";
import type { ExportFrame } from "../../api/socket";
import { timebase } from "../clock/clock";
import { selectedEntity } from "../entities/entities";
import { OPERATING_ROLES } from "../session/permission";
import { connection, exportFrames, request, role, token, user } from "../session/session";
import { selection, visible } from "../timeline/span";
import type { Lane } from "../values/event";
import { fromFineMs } from "../values/time";

/** The exported range: the selection, the visible span, or the whole archive. */
export type ExportRange = "selection" | "visible" | "all";

/** The progress of an export. */
export interface ExportStatus {
  readonly phase: "starting" | "running" | "complete" | "failed" | "cancelled";
  readonly exportId: string;
  readonly done: number;
  readonly total: number;
  readonly etaS: number | undefined;
  readonly message: string;
  readonly complete: ExportComplete | undefined;
}

const INITIAL_STATUS: ExportStatus = { phase: "starting", exportId: "", done: 0, total: 0, etaS: undefined, message: "", complete: undefined };

export const exportOpen = signal(false);
export const exportRange = signal<ExportRange>("visible");
/** The exported lanes; empty means all. */
export const exportLanes = signal<ReadonlySet<Lane>>(new Set());
/** Whether only the selected entity is exported. */
export const exportSelectedOnly = signal(false);
/** The driver; empty means the drivers that are bound to the streams. */
export const exportDriver = signal("");
/** The installed drivers; null while the list is pending. */
export const exportDrivers = signal<readonly DriverInfo[] | null>(null);
export const driversError = signal("");
export const exportStatus = signal<ExportStatus | null>(null);
/** Why the download did not begin. */
export const downloadError = signal("");

/** Whether an export is running. */
export const isExporting = computed(() => exportStatus.value?.phase === "starting" || exportStatus.value?.phase === "running");

/** Why no export can be started now; empty if one can. */
export const exportRefusal = computed(() => {
  if (!OPERATING_ROLES.has(role.value)) return `Your role (${role.value}) cannot export.`;
  if (connection.value !== "open") return "Not connected.";
  return exportRange.value === "selection" && selection.value === null
    ? "No range is selected: drag with Shift on the timeline."
    : "";
});

/** The exported interval; an open end is the archive's own. */
export const exportSpan = computed<Pick<Export, "startTime" | "stopTime">>(() => {
  const span = { selection: selection.value, visible: visible.value, all: null }[exportRange.value];
  return span === null ? {} : { startTime: fromFineMs(span.startMs), stopTime: fromFineMs(span.stopMs) };
});

/** Open the dialog; the range is the selection if there is one. */
export function openExport(): void {
  if (!isExporting.value) exportRange.value = selection.value === null ? "visible" : "selection";
  exportOpen.value = true;
  if (exportDrivers.value === null) void refreshDrivers();
}

/** Request the list of drivers. */
export async function refreshDrivers(): Promise<void> {
  try {
    exportDrivers.value = (await request({ type: "drivers" }, "driversResponse")).drivers;
    driversError.value = "";
  } catch (error) {
    driversError.value = (error as Error).message;
  }
}

/** Start an export; `exportStatus` shows its progress. */
export async function startExport(): Promise<void> {
  if (exportRefusal.value !== "" || isExporting.value) return;
  exportStatus.value = INITIAL_STATUS;
  downloadError.value = "";
  const driver = exportDriver.value === "" ? {} : { driver: exportDriver.value };
  try {
    const message = { type: "export", timebase: timebase.value, filters: exportFilters(), ...exportSpan.value, ...driver } as const;
    const { exportId } = await request(message, "exportStarted");
    exportStatus.value = { ...INITIAL_STATUS, phase: "running", exportId };
  } catch (error) {
    exportStatus.value = { ...INITIAL_STATUS, phase: "failed", message: (error as Error).message };
  }
}

/** Cancel the running export. */
export async function cancelExport(): Promise<void> {
  const exportId = exportStatus.value?.exportId ?? "";
  if (exportId === "") return;
  try {
    await request({ type: "cancelExport", exportId }, "exportCancelled");
  } catch (error) {
    if (exportStatus.value?.phase === "running") exportStatus.value = { ...exportStatus.value, message: (error as Error).message };
  }
}

/** Download the file. The POST sets a cookie for this one file, because a download cannot send a token. */
export async function downloadExport(): Promise<void> {
  const url = exportStatus.value?.complete?.url;
  if (url === undefined) return;
  try {
    const reply = await fetch(url, { method: "POST", headers: { Authorization: `Bearer ${token()}` } });
    if (!reply.ok) throw new Error(`the edge answered ${reply.status}`);
    const link = document.createElement("a");
    [link.href, link.download] = [url, ""];
    link.click();
    downloadError.value = "";
  } catch (error) {
    downloadError.value = `The download did not begin: ${(error as Error).message}.`;
  }
}

/** Follow the frames of exports; called once. */
export function startExportSync(): void {
  exportFrames.subscribe(applyExportFrame);
  effect(() => {
    void user.value;
    [exportStatus.value, exportDrivers.value] = [null, null];
  });
  effect(() => {
    const now = exportStatus.peek();
    if (connection.value === "open" || now === null || (now.phase !== "starting" && now.phase !== "running")) return;
    exportStatus.value = { ...now, phase: "failed", message: "the connection was lost, which ends an export" };
  });
}

/** Apply a frame of the current export; frames of others are ignored. */
export function applyExportFrame(frame: ExportFrame): void {
  const now = exportStatus.value;
  if (now === null || (now.exportId !== "" && frame.exportId !== now.exportId)) return;
  const { exportId } = frame;
  if (frame.type === "exportProgress") {
    const { done, total, etaS } = frame;
    if (isExporting.value) exportStatus.value = { ...now, phase: "running", exportId, done, total, etaS: etaS ?? undefined };
  } else if (frame.type === "exportComplete") {
    exportStatus.value = { ...now, phase: "complete", exportId, complete: frame };
  } else if (frame.type === "exportFailed") {
    exportStatus.value = { ...now, phase: "failed", message: frame.message };
  } else if (isExporting.value) {
    exportStatus.value = { ...now, phase: "cancelled" };
  }
}

function exportFilters(): Filters {
  const entity = selectedEntity.value;
  const only =
    exportSelectedOnly.value && entity !== null
      ? {
          scopeIds: [entity.scopeId],
          systemId: entity.systemId,
          containerId: entity.containerId,
          uniqueId: entity.uniqueId,
        }
      : {};
  return { ...only, ...(exportLanes.value.size === 0 ? {} : { lanes: [...exportLanes.value] }) };
}
