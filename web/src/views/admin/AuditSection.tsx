/** The audit trail: filters, density, the table of events, older pages and the export. */

import {
  auditError,
  auditEvents,
  auditFilters,
  hasOlderAudit,
  isAuditLoading,
  loadOlderAudit,
  NO_FILTERS,
  refreshAudit,
} from "../../model/admin/audit";
import { auditExported, auditExportNote, cancelAuditExport, exportAudit } from "../../model/admin/audit_export";
import { AuditFilterForm } from "./AuditFilterForm";
import { AuditTable } from "./AuditTable";
import { AuditTimeline } from "./AuditTimeline";
import { SectionHead } from "./SectionHead";

export function AuditSection() {
  return (
    <section class="admin-section" aria-labelledby="section-title">
      <SectionHead title="Audit trail" error={auditError.value}>
        <button type="button" onClick={() => void refreshAudit()} data-testid="audit-refresh">
          Refresh
        </button>
        <ExportButton />
      </SectionHead>
      <AuditFilterForm />
      <p role="status" class="muted export-note" data-testid="audit-export-note">
        {auditExported.value === null ? auditExportNote.value : `Exporting: ${auditExported.value} events read…`}
      </p>
      <AuditTimeline />
      <AuditTable empty={emptyText()} />
      <Older />
    </section>
  );
}

function ExportButton() {
  if (auditExported.value !== null) {
    return (
      <button type="button" onClick={cancelAuditExport}>
        Cancel export
      </button>
    );
  }
  return (
    <button
      type="button"
      onClick={() => void exportAudit(auditFilters.value)}
      title="All events of these filters, one JSON text a line"
      data-testid="audit-export"
    >
      Export JSON lines
    </button>
  );
}

function emptyText(): string {
  const isFiltered = JSON.stringify(auditFilters.value) !== JSON.stringify(NO_FILTERS);
  return isFiltered ? "No recorded event matches these filters." : "Nothing has been recorded yet.";
}

function Older() {
  const shown = auditEvents.value?.length ?? 0;
  if (shown === 0) return null;
  return (
    <div class="admin-more">
      <span class="muted" data-testid="audit-count">
        {shown === 1 ? "1 event" : `${shown} events`} shown{hasOlderAudit.value ? "" : ", all that match"}
      </span>
      {hasOlderAudit.value && (
        <button
          type="button"
          aria-disabled={isAuditLoading.value}
          onClick={() => isAuditLoading.value || void loadOlderAudit()}
          data-testid="audit-older"
        >
          {isAuditLoading.value ? "Loading…" : "Older events"}
        </button>
      )}
    </div>
  );
}
