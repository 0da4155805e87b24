/** The dialog that is open. */

import { type AdminDialog, adminDialog } from "../../model/admin/admin_dialog";
import { AddKeyDialog } from "./AddKeyDialog";
import { DeleteUserDialog, DisableUserDialog, ReleaseAccountDialog, ResetPasswordDialog, RevokeKeyDialog } from "./ConsequenceDialogs";
import { SecretDialog } from "./SecretDialog";
import { AddUserDialog, EditUserDialog } from "./UserForms";
import { UserSessionsDialog } from "./UserSessionsDialog";

export function AdminDialogs() {
  const dialog = adminDialog.value;
  return dialog === null ? null : dialogView(dialog);
}

function dialogView(dialog: AdminDialog) {
  switch (dialog.kind) {
    case "addUser":
      return <AddUserDialog />;
    case "editUser":
      return <EditUserDialog user={dialog.user} />;
    case "disableUser":
      return <DisableUserDialog user={dialog.user} />;
    case "resetPassword":
      return <ResetPasswordDialog user={dialog.user} />;
    case "deleteUser":
      return <DeleteUserDialog user={dialog.user} />;
    case "userSessions":
      return <UserSessionsDialog user={dialog.user} />;
    case "addKey":
      return <AddKeyDialog />;
    case "revokeKey":
      return <RevokeKeyDialog apiKey={dialog.key} />;
    case "releaseAccount":
      return <ReleaseAccountDialog username={dialog.username} />;
    case "secret":
      return <SecretDialog secret={dialog.secret} />;
  }
}
