/** The account dialog: the user's password and sessions. */

import { useEffect } from "preact/hooks";
import type { SessionInfo } from "../api/protocol";
import { accountError, accountOpen, endSession, refreshSessions, sessions } from "../model/session/account";
import { role, user } from "../model/session/session";
import { formatTime } from "../model/values/time";
import { useScreenModal } from "./modal";
import { PasswordForm } from "./PasswordForm";
import "../account.css";

export function Account() {
  return accountOpen.value ? <Dialog /> : null;
}

function Dialog() {
  const close = () => (accountOpen.value = false);
  const modal = useScreenModal(close);
  useEffect(() => void refreshSessions(), []);
  return (
    <dialog
      {...modal}
      class="account"
      aria-labelledby="account-title"
      data-testid="account"
    >
      <h2 id="account-title">
        {user.value} <span class="muted">{role.value}</span>
      </h2>
      <h3>Sessions</h3>
      <Sessions />
      <p class="error" role="alert">
        {accountError.value}
      </p>
      <h3>Password</h3>
      <PasswordForm done={close} />
      <div class="confirm-buttons">
        <button type="button" onClick={close} data-testid="account-close">
          Close
        </button>
      </div>
    </dialog>
  );
}

function Sessions() {
  const found = sessions.value;
  if (found === null) return <p class="muted">Loading…</p>;
  return (
    <ul class="sessions" data-testid="sessions">
      {found.map((one) => (
        <Session key={one.session} session={one} />
      ))}
    </ul>
  );
}

function Session({ session }: { session: SessionInfo }) {
  return (
    <li>
      <span>
        {session.agent || "unknown program"} <span class="muted">at {session.address || "unknown address"}</span>
        <br />
        <span class="muted">
          since {formatTime(session.started)}, last renewed {formatTime(session.lastUsed)}
        </span>
      </span>
      {session.isOwn === true ? (
        <strong>this session</strong>
      ) : (
        <button type="button" onClick={() => void endSession(session.session)}>
          End
        </button>
      )}
    </li>
  );
}
