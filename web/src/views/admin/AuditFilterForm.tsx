/** The filters of the audit trail: by user, kind and time. */

import { useState } from "preact/hooks";
import { AUDIT_KINDS, type AuditFilters, auditFilters, filterAudit, NO_FILTERS } from "../../model/admin/audit";
import { users } from "../../model/admin/users";

export function AuditFilterForm() {
  const [typed, setTyped] = useState<AuditFilters>(auditFilters.value);
  const change = (part: Partial<AuditFilters>) => setTyped({ ...typed, ...part });
  const apply = (filters: AuditFilters) => {
    setTyped(filters);
    void filterAudit(filters);
  };
  return (
    <form
      class="audit-filters"
      onSubmit={(event) => {
        event.preventDefault();
        apply(typed);
      }}
    >
      <label>
        User or key
        <input
          list="known-users"
          value={typed.user}
          onInput={(event) => change({ user: event.currentTarget.value })}
          placeholder="any"
          autocomplete="off"
          data-testid="audit-user"
        />
        <datalist id="known-users">
          {(users.value ?? []).map(({ username }) => (
            <option key={username} value={username} />
          ))}
        </datalist>
      </label>
      <label>
        Kind
        <select
          value={typed.kind}
          onChange={(event) => change({ kind: event.currentTarget.value })}
          data-testid="audit-kind"
        >
          <option value="">any</option>
          {AUDIT_KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {kind}
            </option>
          ))}
        </select>
      </label>
      <TimeField label="From (UTC)" value={typed.from} change={(from) => change({ from })} testId="audit-from" />
      <TimeField label="To (UTC)" value={typed.to} change={(to) => change({ to })} testId="audit-to" />
      <div class="actions">
        <button type="submit" class="primary" data-testid="audit-apply">
          Apply
        </button>
        <button type="button" onClick={() => apply(NO_FILTERS)} data-testid="audit-clear">
          Clear
        </button>
      </div>
    </form>
  );
}

interface TimeFieldProps {
  label: string;
  value: string;
  change: (value: string) => void;
  testId: string;
}

function TimeField({ label, value, change, testId }: TimeFieldProps) {
  return (
    <label>
      {label}
      <input
        value={value}
        onInput={(event) => change(event.currentTarget.value)}
        placeholder="2030-01-31 12:00"
        autocomplete="off"
        data-testid={testId}
      />
    </label>
  );
}
