/** The dialog that adds an API key. */

import { useState } from "preact/hooks";
import { EXPIRY_CHOICES, type ExpiryChoice, expiryTime } from "../../model/admin/key_expiry";
import { addKey, type NewKey } from "../../model/admin/keys";
import { parseScopes } from "../../model/admin/scope_list";
import type { UserRole } from "../../model/admin/users";
import type { Lane } from "../../model/values/event";
import { DialogForm } from "./DialogForm";
import { ModalDialog } from "./ModalDialog";
import { NameField, RoleField, ScopesField } from "./PrincipalFields";

const LANES: readonly Lane[] = ["metadata", "command", "ui", "parsed", "raw"];

export function AddKeyDialog() {
  const [name, setName] = useState("");
  const [role, setRole] = useState<UserRole>("viewer");
  const [scopes, setScopes] = useState("");
  const [lanes, setLanes] = useState<readonly Lane[]>([]);
  const [expiry, setExpiry] = useState<ExpiryChoice>("90");
  const [expiryText, setExpiryText] = useState("");
  const submit = async () => {
    const chosen = lanes.length === 0 ? null : (lanes as NewKey["lanes"]);
    const expiresAt = expiryTime(expiry, expiryText, Date.now());
    await addKey({ name, role, scopes: parseScopes(scopes), lanes: chosen ?? null, expiresAt });
  };
  return (
    <ModalDialog title="Add an API key" testId="add-key">
      <DialogForm action="Add key" submit={submit}>
        <NameField label="Name" value={name} change={setName} />
        <RoleField value={role} change={setRole} />
        <ScopesField value={scopes} change={setScopes} />
        <LaneChoice lanes={lanes} change={setLanes} />
        <ExpiryField choice={expiry} choose={setExpiry} text={expiryText} type={setExpiryText} />
        <p class="muted">The key is shown once. NOVA stores only its digest.</p>
      </DialogForm>
    </ModalDialog>
  );
}

function LaneChoice({ lanes, change }: { lanes: readonly Lane[]; change: (lanes: readonly Lane[]) => void }) {
  const toggle = (lane: Lane) =>
    change(lanes.includes(lane) ? lanes.filter((one) => one !== lane) : [...lanes, lane]);
  return (
    <fieldset class="lane-choice">
      <legend>Lanes</legend>
      {LANES.map((lane) => (
        <label key={lane}>
          <input type="checkbox" checked={lanes.includes(lane)} onChange={() => toggle(lane)} />
          {lane}
        </label>
      ))}
      <span class="hint">None checked means all.</span>
    </fieldset>
  );
}

interface ExpiryFieldProps {
  choice: ExpiryChoice;
  choose: (choice: ExpiryChoice) => void;
  text: string;
  type: (text: string) => void;
}

function ExpiryField({ choice, choose, text, type }: ExpiryFieldProps) {
  return (
    <>
      <label>
        Expires
        <select
          value={choice}
          onChange={(event) => choose(event.currentTarget.value as ExpiryChoice)}
          data-testid="field-expiry"
        >
          {EXPIRY_CHOICES.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {choice === "time" && (
        <label>
          Time (UTC)
          <input
            value={text}
            onInput={(event) => type(event.currentTarget.value)}
            placeholder="2030-01-31 12:00"
            required
            data-testid="field-expiry-time"
          />
        </label>
      )}
    </>
  );
}
