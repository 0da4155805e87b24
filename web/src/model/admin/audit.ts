/** The audit trail: events of its entities, newest first, loaded page by page. */

import { computed, signal } from "@preact/signals";
import type { AuditEvent, Query } from "../../api/protocol";
import { request } from "../session/session";
import type { StoredEvent } from "../values/event";
import { parseTime } from "../values/time";
import { AUDIT_ENTITY, clearImports, loadImports } from "./audit_imports";

const PAGE_EVENTS = 100;
const DATE = /^\d{4}-\d\d-\d\d$/;

type AuditKind = AuditEvent["messageType"];

/** A record, so that a kind that the protocol adds cannot be forgotten here. */
const KINDS: Readonly<Record<AuditKind, true>> = {
  UserLogin: true,
  UserLogout: true,
  CommandSubmitted: true,
  ExportRequested: true,
  ReadRequested: true,
  EventsImported: true,
  AdminAction: true,
  AuditGap: true,
  DayGivenBack: true,
};
export const AUDIT_KINDS = Object.keys(KINDS) as readonly AuditKind[];

/** What is asked for, as typed; the empty text does not narrow. */
export interface AuditFilters {
  readonly user: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
}

export const NO_FILTERS: AuditFilters = { user: "", kind: "", from: "", to: "" };

/** The filters of the events that are shown. */
export const auditFilters = signal<AuditFilters>(NO_FILTERS);
/** Newest first; null until the first page has arrived. */
export const auditEvents = signal<readonly StoredEvent[] | null>(null);
export const auditError = signal("");
export const isAuditLoading = signal(false);
const nextKey = signal<string | null>(null);
/** Whether there are older events than those that are loaded. */
export const hasOlderAudit = computed(() => nextKey.value !== null);

let requestCount = 0;

/** Show the newest events of these filters. */
export async function filterAudit(filters: AuditFilters): Promise<void> {
  auditFilters.value = filters;
  auditEvents.value = null;
  await refreshAudit();
}

/** Load the newest page again. */
export async function refreshAudit(): Promise<void> {
  await loadPage([], null);
}

/** Add the page before the oldest event that is shown. */
export async function loadOlderAudit(): Promise<void> {
  if (nextKey.value !== null) await loadPage(auditEvents.value ?? [], nextKey.value);
}

/** Forget the events, because the session has ended. */
export function clearAudit(): void {
  requestCount++;
  clearImports();
  [auditEvents.value, nextKey.value, auditError.value] = [null, null, ""];
  [auditFilters.value, isAuditLoading.value] = [NO_FILTERS, false];
}

/** The query of the filters; throws an Error that can be shown. */
export function auditQuery(filters: AuditFilters, afterKey: string | null, page: Partial<Query> = {}): Query {
  const { user, kind, from, to } = filters;
  return {
    type: "query",
    timebase: "source",
    reverse: true,
    limit: PAGE_EVENTS,
    filters: {
      ...AUDIT_ENTITY,
      ...(user.trim() === "" ? {} : { uniqueId: user.trim() }),
      // The audit entities also have driver bindings, which nobody did.
      messageTypes: kind === "" ? [...AUDIT_KINDS] : [kind],
    },
    ...(from.trim() === "" ? {} : { startTime: boundary(from, "00:00") }),
    ...(to.trim() === "" ? {} : { stopTime: boundary(to, "23:59:59.999999999") }),
    ...(afterKey === null ? {} : { afterKey }),
    ...page,
  };
}

/** A typed time; a date alone means its start or its end. */
function boundary(typed: string, timeOfDate: string): string {
  const text = typed.trim();
  const time = parseTime(DATE.test(text) ? `${text}T${timeOfDate}` : text);
  if (time === undefined) throw new Error(`“${text}” is no time: write 2030-01-31 or 2030-01-31 12:00, in UTC.`);
  return time;
}

async function loadPage(before: readonly StoredEvent[], afterKey: string | null): Promise<void> {
  const mine = ++requestCount;
  isAuditLoading.value = true;
  try {
    const query = auditQuery(auditFilters.value, afterKey);
    const reply = await request(query, "queryResponse");
    await loadImports(); // After the events, whose imports were recorded before them.
    if (mine !== requestCount) return;
    auditEvents.value = [...before, ...(reply.events as StoredEvent[])];
    nextKey.value = reply.nextKey ?? null;
    auditError.value = "";
  } catch (error) {
    if (mine === requestCount) auditError.value = (error as Error).message;
  } finally {
    if (mine === requestCount) isAuditLoading.value = false;
  }
}
