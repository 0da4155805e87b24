/** Exporting a range: what is wanted, how far it is, and the download. An export ends with its connection. */

import { computed, effect, signal } from "@preact/signals";
import type { DriverInfo, Export, ExportComplete, Filters } from "../api/protocol";
import type { ExportFrame } from "../api/socket";
import { selected } from "./entities";
import type { Lane } from "./event";
import { connection, listenToExports, request, role, token, user } from "./session";
import { selection, visible } from "./span";
import { fromFineMs } from "./time";
import { timebase } from "./timeline";

/** Which times: what is selected on the timeline, what it shows, or all there is. */
export type ExportRange = "selection" | "visible" | "all";

/** How an export goes. */
export interface Job {
  readonly phase: "starting" | "running" | "complete" | "failed" | "cancelled";
  readonly exportId: string;
  readonly done: number;
  readonly total: number;
  readonly etaS: number | undefined;
  readonly message: string;
  readonly complete: ExportComplete | undefined;
}

const MAY: ReadonlySet<string> = new Set(["operator", "admin"]);
const NEW: Job = { phase: "starting", exportId: "", done: 0, total: 0, etaS: undefined, message: "", complete: undefined };

export const exportOpen = signal(false);
export const exportRange = signal<ExportRange>("visible");
/** The lanes that are wanted; none means all. */
export const exportLanes = signal<ReadonlySet<Lane>>(new Set());
/** Whether only the chosen entity is wanted. */
export const exportOfChosen = signal(false);
/** The driver; empty means those that are bound to the streams. */
export const exportDriver = signal("");
/** The drivers that are installed; null until they are known. */
export const drivers = signal<readonly DriverInfo[] | null>(null);
export const driversTrouble = signal("");
export const job = signal<Job | null>(null);
/** Why the download did not begin. */
export const downloadTrouble = signal("");

/** Whether an export is under way. */
export const isExporting = computed(() => job.value?.phase === "starting" || job.value?.phase === "running");

/** Why nothing can be exported now; empty if it can. */
export const exportRefusal = computed(() => {
  if (!MAY.has(role.value)) return "Exports are for operators and admins.";
  if (connection.value !== "open") return "There is no connection.";
  return exportRange.value === "selection" && selection.value === null
    ? "Nothing is selected on the timeline: drag with Shift over it."
    : "";
});

/** From when to when an export goes; open ends are the archive's own. */
export const exportSpan = computed<Pick<Export, "startTime" | "stopTime">>(() => {
  const span = { selection: selection.value, visible: visible.value, all: null }[exportRange.value];
  return span === null ? {} : { startTime: fromFineMs(span.startMs), stopTime: fromFineMs(span.stopMs) };
});

/** Open the dialog: on the selection, where there is one. */
export function openExport(): void {
  if (!isExporting.value) exportRange.value = selection.value === null ? "visible" : "selection";
  exportOpen.value = true;
  if (drivers.value === null) void askDrivers();
}

/** Ask which drivers there are. */
export async function askDrivers(): Promise<void> {
  try {
    drivers.value = (await request({ type: "drivers" }, "driversResponse")).drivers;
    driversTrouble.value = "";
  } catch (error) {
    driversTrouble.value = (error as Error).message;
  }
}

/** Begin; what comes of it, `job` tells. */
export async function startExport(): Promise<void> {
  if (exportRefusal.value !== "" || isExporting.value) return;
  job.value = NEW;
  downloadTrouble.value = "";
  const driver = exportDriver.value === "" ? {} : { driver: exportDriver.value };
  try {
    const asked = { type: "export", timebase: timebase.value, filters: filters(), ...exportSpan.value, ...driver } as const;
    const { exportId } = await request(asked, "exportStarted");
    job.value = { ...NEW, phase: "running", exportId };
  } catch (error) {
    job.value = { ...NEW, phase: "failed", message: (error as Error).message };
  }
}

/** Give up the one that is under way. */
export async function cancelExport(): Promise<void> {
  const exportId = job.value?.exportId ?? "";
  if (exportId === "") return;
  try {
    await request({ type: "cancelExport", exportId }, "exportCancelled");
  } catch (error) {
    if (job.value?.phase === "running") job.value = { ...job.value, message: (error as Error).message };
  }
}

/** Have the browser download what was made: it shows a cookie for this one file, for a page cannot show a token. */
export async function download(): Promise<void> {
  const url = job.value?.complete?.url;
  if (url === undefined) return;
  try {
    const reply = await fetch(url, { method: "POST", headers: { Authorization: `Bearer ${token()}` } });
    if (!reply.ok) throw new Error(`the edge answered ${reply.status}`);
    const link = document.createElement("a");
    [link.href, link.download] = [url, ""];
    link.click();
    downloadTrouble.value = "";
  } catch (error) {
    downloadTrouble.value = `The download did not begin: ${(error as Error).message}.`;
  }
}

/** Hear how exports go; called once. */
export function followExports(): void {
  listenToExports(take);
  effect(() => {
    void user.value;
    [job.value, drivers.value] = [null, null];
  });
  effect(() => {
    const now = job.peek();
    if (connection.value === "open" || now === null || (now.phase !== "starting" && now.phase !== "running")) return;
    job.value = { ...now, phase: "failed", message: "the connection was lost, and the export with it" };
  });
}

/** Take in what is told of an export; of others nothing is wanted. */
export function take(frame: ExportFrame): void {
  const now = job.value;
  if (now === null || (now.exportId !== "" && frame.exportId !== now.exportId)) return;
  const { exportId } = frame;
  if (frame.type === "exportProgress") {
    const { done, total, etaS } = frame;
    if (isExporting.value) job.value = { ...now, phase: "running", exportId, done, total, etaS: etaS ?? undefined };
  } else if (frame.type === "exportComplete") {
    job.value = { ...now, phase: "complete", exportId, complete: frame };
  } else if (frame.type === "exportFailed") {
    job.value = { ...now, phase: "failed", message: frame.message };
  } else if (isExporting.value) {
    job.value = { ...now, phase: "cancelled" };
  }
}

function filters(): Filters {
  const entity = selected.value;
  const only =
    exportOfChosen.value && entity !== null
      ? {
          scopeIds: [entity.scopeId],
          systemId: entity.systemId,
          containerId: entity.containerId,
          uniqueId: entity.uniqueId,
        }
      : {};
  return { ...only, ...(exportLanes.value.size === 0 ? {} : { lanes: [...exportLanes.value] }) };
}
