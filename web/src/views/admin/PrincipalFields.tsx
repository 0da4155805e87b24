/** Fields that users and API keys share: name, role and scopes. */

import { ROLES, type UserRole } from "../../model/admin/users";

const ROLE_HINTS: Readonly<Record<UserRole, string>> = {
  admin: "Sees and does everything, and manages users and keys.",
  operator: "Sees, commands, writes in the chat and exports.",
  viewer: "Only sees.",
};

interface FieldProps<Value> {
  value: Value;
  change: (value: Value) => void;
}

export function NameField({ label, value, change }: FieldProps<string> & { label: string }) {
  return (
    <label>
      {label}
      <input
        value={value}
        onInput={(event) => change(event.currentTarget.value)}
        pattern="[A-Za-z0-9_\-]{1,64}"
        title="1 to 64 letters, digits, “-” and “_”"
        autocomplete="off"
        spellcheck={false}
        required
        autofocus
        data-testid="field-name"
      />
    </label>
  );
}

export function RoleField({ value, change }: FieldProps<UserRole>) {
  return (
    <label>
      Role
      <select
        value={value}
        onChange={(event) => change(event.currentTarget.value as UserRole)}
        aria-describedby="role-hint"
        data-testid="field-role"
      >
        {ROLES.map((role) => (
          <option key={role} value={role}>
            {role}
          </option>
        ))}
      </select>
      <span id="role-hint" class="hint">
        {ROLE_HINTS[value]}
      </span>
    </label>
  );
}

export function ScopesField({ value, change }: FieldProps<string>) {
  return (
    <label>
      Scopes
      <input
        value={value}
        onInput={(event) => change(event.currentTarget.value)}
        placeholder="all"
        autocomplete="off"
        spellcheck={false}
        aria-describedby="scopes-hint"
        data-testid="field-scopes"
      />
      <span id="scopes-hint" class="hint">
        Separated by commas; empty means all. Other scopes are hidden, and take no commands.
      </span>
    </label>
  );
}
