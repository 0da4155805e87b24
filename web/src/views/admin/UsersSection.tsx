/** The users: a table with what an admin may do to each. */

import type { UserInfo } from "../../api/protocol";
import { openDialog } from "../../model/admin/admin_dialog";
import { limitText } from "../../model/admin/scope_list";
import { toggleEnabled, users, usersError } from "../../model/admin/users";
import { user as ownName } from "../../model/session/session";
import { formatTime } from "../../model/values/time";
import { DataTable, type Column } from "./DataTable";
import { SectionHead } from "./SectionHead";

export function UsersSection() {
  return (
    <section class="admin-section" aria-labelledby="section-title">
      <SectionHead title="Users" error={usersError.value}>
        <button type="button" class="primary" onClick={() => openDialog({ kind: "addUser" })} data-testid="add-user-open">
          Add user
        </button>
      </SectionHead>
      <DataTable
        label="Users"
        columns={COLUMNS}
        rows={users.value}
        rowKey={({ username }) => username}
        hasFailed={usersError.value !== ""}
        empty="There are no users."
      />
    </section>
  );
}

const COLUMNS: readonly Column<UserInfo>[] = [
  {
    title: "User",
    cell: ({ username }) => (
      <>
        <strong>{username}</strong>
        {username === ownName.value && <span class="muted"> you</span>}
      </>
    ),
  },
  { title: "Role", cell: ({ role }) => role },
  { title: "Scopes", cell: ({ scopes }) => limitText(scopes) },
  { title: "State", cell: (user) => <UserState user={user} /> },
  { title: "Origin", cell: ({ origin }) => (origin === "oidc" ? "OpenID Connect" : "local") },
  { title: "Last login", cell: ({ lastLogin }) => (lastLogin == null ? "never" : formatTime(lastLogin).slice(0, -4)) },
  { title: "Created", cell: ({ created }) => formatTime(created).slice(0, 10) },
  { title: "Actions", cell: (user) => <UserActions user={user} /> },
];

function UserState({ user }: { user: UserInfo }) {
  return (
    <>
      <span class={`state ${user.enabled ? "on" : "off"}`}>{user.enabled ? "enabled" : "disabled"}</span>
      {user.mustChangePassword === true && <span class="hint"> must change the password</span>}
    </>
  );
}

function UserActions({ user }: { user: UserInfo }) {
  const isOwn = user.username === ownName.value;
  const enabling = user.enabled ? "Disable" : "Enable";
  return (
    <div class="actions">
      <ActionButton title="Edit" of={user} act={() => openDialog({ kind: "editUser", user })} />
      <ActionButton title={enabling} of={user} act={() => toggleEnabled(user)} />
      <ActionButton
        title="Reset password"
        of={user}
        act={() => openDialog({ kind: "resetPassword", user })}
        // The reset ends the session that would show the new password.
        refusal={resetRefusal(user, isOwn)}
      />
      <ActionButton title="Sessions" of={user} act={() => openDialog({ kind: "userSessions", user })} />
      <ActionButton title="Delete" of={user} act={() => openDialog({ kind: "deleteUser", user })} />
    </div>
  );
}

function resetRefusal(user: UserInfo, isOwn: boolean): string {
  if (user.origin === "oidc") return "This user logs in with OpenID Connect and has no password here.";
  return isOwn ? "Change your own password by a click on your name above." : "";
}

interface ActionButtonProps {
  title: string;
  of: UserInfo;
  act: () => void;
  /** Why it is not possible; empty if it is. */
  refusal?: string;
}

function ActionButton({ title, of, act, refusal = "" }: ActionButtonProps) {
  return (
    <button
      type="button"
      // It keeps the focus, so that its title, the reason, can be read by keyboard.
      onClick={() => refusal === "" && act()}
      aria-disabled={refusal !== ""}
      title={refusal}
      aria-label={`${title}: ${of.username}`}
    >
      {title}
    </button>
  );
}
