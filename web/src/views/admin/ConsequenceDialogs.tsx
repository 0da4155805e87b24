/** The dialogs that ask before something is taken away; each names the consequence. */

import type { KeyInfo, UserInfo } from "../../api/protocol";
import { closeDialog } from "../../model/admin/admin_dialog";
import { revokeKey } from "../../model/admin/keys";
import { releaseAccount } from "../../model/admin/limit_use";
import { deleteUser, resetPassword, setEnabled } from "../../model/admin/users";
import { DialogForm } from "./DialogForm";
import { ModalDialog } from "./ModalDialog";

interface ConsequenceProps {
  title: string;
  consequence: string;
  action: string;
  carryOut: () => Promise<void>;
}

function Consequence({ title, consequence, action, carryOut }: ConsequenceProps) {
  return (
    <ModalDialog title={title} testId="consequence">
      <DialogForm action={action} isDanger submit={carryOut}>
        <p data-testid="consequence-text">{consequence}</p>
      </DialogForm>
    </ModalDialog>
  );
}

export function DisableUserDialog({ user: { username } }: { user: UserInfo }) {
  return (
    <Consequence
      title={`Disable ${username}?`}
      consequence={`All sessions of ${username} end within a second, and ${username} cannot log in until somebody enables the account again.`}
      action="Disable"
      carryOut={async () => {
        await setEnabled(username, false);
        closeDialog();
      }}
    />
  );
}

export function ResetPasswordDialog({ user: { username } }: { user: UserInfo }) {
  return (
    <Consequence
      title={`Reset the password of ${username}?`}
      consequence={`The current password opens nothing any more, and all sessions of ${username} end. A new one is generated and shown once.`}
      action="Reset password"
      carryOut={() => resetPassword(username)}
    />
  );
}

export function DeleteUserDialog({ user: { username } }: { user: UserInfo }) {
  return (
    <Consequence
      title={`Delete ${username}?`}
      consequence={`All sessions of ${username} end, and the account with its role and scopes is gone for good. What ${username} did remains on the timeline.`}
      action="Delete"
      carryOut={async () => {
        await deleteUser(username);
        closeDialog();
      }}
    />
  );
}

export function ReleaseAccountDialog({ username }: { username: string }) {
  return (
    <Consequence
      title={`Release ${username}?`}
      consequence={`The failed logins of ${username} are forgotten: the password is checked again at once, also for whoever guesses it. Release an account if its user is locked out, not while it is under attack.`}
      action="Release"
      carryOut={() => releaseAccount(username)}
    />
  );
}

export function RevokeKeyDialog({ apiKey: { name } }: { apiKey: KeyInfo }) {
  return (
    <Consequence
      title={`Revoke the key ${name}?`}
      consequence={`Programs that use ${name} are disconnected within a second and refused from then on. It cannot be undone: they need a new key.`}
      action="Revoke"
      carryOut={async () => {
        await revokeKey(name);
        closeDialog();
      }}
    />
  );
}
