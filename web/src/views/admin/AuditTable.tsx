/** The events of the audit trail, newest first; each opens to its whole envelope. */

import { signal } from "@preact/signals";
import { auditError, auditEvents } from "../../model/admin/audit";
import { importedBy } from "../../model/admin/audit_imports";
import { envelopeText, eventSummary, type StoredEvent } from "../../model/values/event";
import { NO_VALUE } from "../../model/values/format";
import { formatTime } from "../../model/values/time";
import { DataTable, type Column } from "./DataTable";

const opened = signal<ReadonlySet<string>>(new Set());

export function AuditTable({ empty }: { empty: string }) {
  return (
    <DataTable
      label="Audit trail"
      columns={COLUMNS}
      rows={auditEvents.value}
      rowKey={({ eventId }) => eventId}
      hasFailed={auditError.value !== ""}
      empty={empty}
      detail={(event) => (opened.value.has(event.eventId) ? <pre>{envelopeText(event)}</pre> : null)}
    />
  );
}

const COLUMNS: readonly Column<StoredEvent>[] = [
  { title: "Time", cell: ({ sourceTruthTime }) => <time class="mono">{formatTime(sourceTruthTime)}</time> },
  { title: "Scope", cell: ({ scopeId }) => scopeId },
  { title: "Kind", cell: (event) => <Kind event={event} /> },
  { title: "User or key", cell: ({ uniqueId }) => <strong>{uniqueId}</strong> },
  { title: "What", cell: (event) => <span class="payload">{eventSummary(event) || NO_VALUE}</span> },
  { title: "Envelope", cell: (event) => <EnvelopeButton event={event} /> },
];

function Kind({ event }: { event: StoredEvent }) {
  const importer = importedBy.value.get(event.eventId);
  return (
    <>
      <span class="kind">{event.messageType}</span>
      {importer !== undefined && <span class="warning-text"> imported by {importer}, not recorded here</span>}
    </>
  );
}

function EnvelopeButton({ event }: { event: StoredEvent }) {
  const isOpen = opened.value.has(event.eventId);
  const toggle = () => {
    const next = new Set(opened.value);
    if (!next.delete(event.eventId)) next.add(event.eventId);
    opened.value = next;
  };
  const action = isOpen ? "Hide" : "Show";
  return (
    <button
      type="button"
      aria-expanded={isOpen}
      aria-label={`${action}: ${event.messageType ?? ""} by ${event.uniqueId} at ${formatTime(event.sourceTruthTime)}`}
      onClick={toggle}
    >
      {action}
    </button>
  );
}
