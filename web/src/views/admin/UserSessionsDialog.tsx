/** The dialog with the sessions of a user, each of which can be ended. */

import { useEffect } from "preact/hooks";
import type { SessionInfo, UserInfo } from "../../api/protocol";
import { closeDialog } from "../../model/admin/admin_dialog";
import { endUserSession, showUserSessions, userSessions, userSessionsError } from "../../model/admin/user_sessions";
import { formatTime } from "../../model/values/time";
import { ModalDialog } from "./ModalDialog";

export function UserSessionsDialog({ user: { username } }: { user: UserInfo }) {
  useEffect(() => void showUserSessions(username), [username]);
  return (
    <ModalDialog title={`Sessions of ${username}`} testId="user-sessions">
      <SessionList username={username} />
      <p class="error" role="alert">
        {userSessionsError.value}
      </p>
      <div class="admin-buttons">
        <button type="button" onClick={closeDialog} autofocus data-testid="user-sessions-close">
          Close
        </button>
      </div>
    </ModalDialog>
  );
}

function SessionList({ username }: { username: string }) {
  const found = userSessions.value;
  if (found === null) return userSessionsError.value === "" ? <p class="muted">Loading…</p> : null;
  if (found.length === 0) return <p class="muted">{username} is not logged in anywhere.</p>;
  return (
    <ul class="admin-sessions">
      {found.map((session) => (
        <SessionItem key={session.session} username={username} session={session} />
      ))}
    </ul>
  );
}

function SessionItem({ username, session }: { username: string; session: SessionInfo }) {
  const place = `${session.agent || "unknown program"} at ${session.address || "unknown address"}`;
  return (
    <li>
      <span>
        {place}
        {session.isOwn === true && <strong> (this session)</strong>}
        <br />
        <span class="muted">
          since {formatTime(session.started)}, last renewed {formatTime(session.lastUsed)}
        </span>
      </span>
      <button
        type="button"
        aria-label={`End the session of ${place}`}
        onClick={() => void endUserSession(username, session.session)}
      >
        End
      </button>
    </li>
  );
}
