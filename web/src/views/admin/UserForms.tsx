/** The dialogs that add a user and change one. */

import { useState } from "preact/hooks";
import type { UserInfo } from "../../api/protocol";
import { closeDialog } from "../../model/admin/admin_dialog";
import { parseScopes, scopesInput } from "../../model/admin/scope_list";
import { addUser, changeUser, type UserRole } from "../../model/admin/users";
import { DialogForm } from "./DialogForm";
import { ModalDialog } from "./ModalDialog";
import { NameField, RoleField, ScopesField } from "./PrincipalFields";

export function AddUserDialog() {
  const [name, setName] = useState("");
  const [role, setRole] = useState<UserRole>("viewer");
  const [scopes, setScopes] = useState("");
  return (
    <ModalDialog title="Add a user" testId="add-user">
      <DialogForm action="Add user" submit={async () => addUser(name, { role, scopes: parseScopes(scopes) })}>
        <NameField label="Username" value={name} change={setName} />
        <RoleField value={role} change={setRole} />
        <ScopesField value={scopes} change={setScopes} />
        <p class="muted">
          A password is generated and shown once. The user replaces it at the first login.
        </p>
      </DialogForm>
    </ModalDialog>
  );
}

export function EditUserDialog({ user }: { user: UserInfo }) {
  const [role, setRole] = useState<UserRole>(user.role);
  const [scopes, setScopes] = useState(scopesInput(user.scopes));
  const submit = async () => {
    await changeUser(user.username, { role, scopes: parseScopes(scopes) });
    closeDialog();
  };
  return (
    <ModalDialog title={`Role and scopes of ${user.username}`} testId="edit-user">
      <DialogForm action="Save" submit={submit}>
        <RoleField value={role} change={setRole} />
        <ScopesField value={scopes} change={setScopes} />
        <p class="muted">Saving ends all sessions of {user.username}, who has to log in again.</p>
      </DialogForm>
    </ModalDialog>
  );
}
