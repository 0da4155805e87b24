/** The API keys, without their secrets. */

import type { KeyInfo } from "../../api/protocol";
import { openDialog } from "../../model/admin/admin_dialog";
import { isExpired, keys, keysError } from "../../model/admin/keys";
import { limitText } from "../../model/admin/scope_list";
import { formatTime } from "../../model/values/time";
import { DataTable, type Column } from "./DataTable";
import { SectionHead } from "./SectionHead";

export function KeysSection() {
  return (
    <section class="admin-section" aria-labelledby="section-title">
      <SectionHead title="API keys" error={keysError.value}>
        <button type="button" class="primary" onClick={() => openDialog({ kind: "addKey" })} data-testid="add-key-open">
          Add key
        </button>
      </SectionHead>
      <DataTable
        label="API keys"
        columns={COLUMNS}
        rows={keys.value}
        rowKey={({ name }) => name}
        hasFailed={keysError.value !== ""}
        empty="There are no API keys. A program that publishes over the edge, queries or follows needs one."
      />
    </section>
  );
}

const COLUMNS: readonly Column<KeyInfo>[] = [
  { title: "Key", cell: ({ name }) => <strong>{name}</strong> },
  { title: "Role", cell: ({ role }) => role },
  { title: "Scopes", cell: ({ scopes }) => limitText(scopes) },
  { title: "Lanes", cell: ({ lanes }) => limitText(lanes) },
  { title: "Expires", cell: (key) => <Expiry apiKey={key} /> },
  { title: "Last used", cell: ({ lastUsed }) => (lastUsed == null ? "never" : formatTime(lastUsed).slice(0, 16)) },
  { title: "Created", cell: ({ created, createdBy }) => `${formatTime(created).slice(0, 10)} by ${createdBy}` },
  {
    title: "Actions",
    cell: (key) => (
      <div class="actions">
        <button
          type="button"
          onClick={() => openDialog({ kind: "revokeKey", key })}
          aria-label={`Revoke: ${key.name}`}
        >
          Revoke
        </button>
      </div>
    ),
  },
];

function Expiry({ apiKey }: { apiKey: KeyInfo }) {
  if (apiKey.expiresAt == null) return <>never</>;
  const time = formatTime(apiKey.expiresAt).slice(0, 16);
  return isExpired(apiKey, Date.now()) ? <span class="state off">expired {time}</span> : <>{time}</>;
}
