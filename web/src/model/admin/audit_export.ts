/** An export of the audit trail, made in the browser: every event of the filters, one JSON text a line. */

import { signal } from "@preact/signals";
import { rawTextOf } from "../../api/raw_text";
import { saveText } from "../page/clipboard";
import { request } from "../session/session";
import { type AuditFilters, auditQuery } from "./audit";

/** Small, because the raw text of an event is found by reading its page from the start. */
const PAGE_EVENTS = 200;
/** More would fill the memory of a browser. */
export const AUDIT_EXPORT_MAX_EVENTS = 100_000;

/** The events that were read so far; null while none is running. */
export const auditExported = signal<number | null>(null);
/** The outcome of the last export. */
export const auditExportNote = signal("");

let runCount = 0;

/** Read all events of the filters, the oldest first, and save them as a file. */
export async function exportAudit(filters: AuditFilters): Promise<void> {
  const mine = ++runCount;
  [auditExported.value, auditExportNote.value] = [0, ""];
  try {
    const lines = await readLines(filters, mine);
    if (mine !== runCount) return;
    if (lines.length > 0) saveText(fileName(new Date()), lines.map((line) => `${line}\n`).join(""));
    auditExportNote.value = lines.length === 0 ? "No events: nothing was saved." : `${lines.length} events saved.`;
  } catch (error) {
    if (mine === runCount) auditExportNote.value = (error as Error).message;
  } finally {
    if (mine === runCount) auditExported.value = null;
  }
}

/** Stop reading; nothing is saved. */
export function cancelAuditExport(): void {
  runCount++;
  [auditExported.value, auditExportNote.value] = [null, "Export cancelled; nothing was saved."];
}

async function readLines(filters: AuditFilters, mine: number): Promise<string[]> {
  const lines: string[] = [];
  let afterKey: string | null = null;
  do {
    const page = auditQuery(filters, afterKey, { reverse: false, limit: PAGE_EVENTS });
    const reply = await request(page, "queryResponse");
    if (mine !== runCount) return [];
    lines.push(...reply.events.map((event) => rawTextOf(event as object) ?? JSON.stringify(event)));
    auditExported.value = lines.length;
    if (lines.length > AUDIT_EXPORT_MAX_EVENTS) throw new Error(TOO_MANY);
    afterKey = reply.nextKey ?? null;
  } while (afterKey !== null);
  return lines;
}

const TOO_MANY =
  `More than ${AUDIT_EXPORT_MAX_EVENTS.toLocaleString("en")} events match, and nothing was saved. ` +
  "Narrow the times, or use `nova query --system nova --container audit`.";

function fileName(now: Date): string {
  return `nova-audit-${now.toISOString().slice(0, 19).replaceAll(":", "-")}.jsonl`;
}
