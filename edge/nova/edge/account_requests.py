"""Requests of a user about the own account: password, sessions and logout."""

from __future__ import annotations

from nova.edge.access import Access
from nova.edge.actor import NOBODY, Actor, actor_of
from nova.edge.audit_queue import AuditQueue
from nova.edge.errors import LoginBusyError, PasswordError
from nova.edge.login_throttle import LoginClient, LoginThrottle
from nova.edge.password_policy import check_new_password
from nova.edge.passwords import PasswordHashing
from nova.edge.session_store import Session, SessionStore
from nova.edge.user_store import UserStore
from nova.sdk import timestamps
from nova.sdk.errors import ProtocolError
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.account import (
    AccountChanged,
    AccountRequest,
    ChangePassword,
    EndSession,
    ListSessions,
    Logout,
    SessionInfo,
    SessionsResponse,
)

NO_SUCH_SESSION = "the user has no such session; it may have ended already"


class AccountRequests:
    """Answers account requests; one instance serves all connections of an edge."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        passwords: PasswordHashing,
        throttle: LoginThrottle,
        audit: AuditQueue,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._throttle = throttle
        self._audit = audit

    async def reply(
        self, access: Access, request: AccountRequest, address: str
    ) -> AccountChanged | SessionsResponse:
        """Carry out a request and return its reply; raises ProtocolError."""
        if access.kind != "user":
            raise ProtocolError("forbidden", "an API key has no password and no sessions")
        match request:
            case ListSessions():
                return session_list(self._sessions.of_user(access.name), access.session)
            case EndSession():
                end_session(self._sessions, access.name, request.session, actor_of(access))
            case Logout():
                self._sessions.end(access.name, access.session, by=actor_of(access))
            case ChangePassword():
                await self._change_password(access, request, address)
        return AccountChanged()

    async def _change_password(self, access: Access, request: ChangePassword, address: str) -> None:
        """Replace the password. Wrong guesses of the old one count as failed logins."""
        user = self._users.get(access.name)
        try:
            if user is not None:
                user.require_password()
            check_new_password(request.new_password)
            attempt = self._throttle.reserve(access.name, LoginClient(address))
            is_right = False
            try:
                stored = None if user is None else user.password_hash
                is_right = await self._passwords.verify(stored, request.password)
            finally:
                attempt.cancel() if is_right else attempt.fail()
            if not is_right:
                self._record_wrong_password(access, address)
                raise ProtocolError("forbidden", "the current password is wrong")
            if request.new_password == request.password:
                raise ProtocolError("passwordRefused", "the new password is the current one")
            password_hash = await self._passwords.hash(request.new_password)
        except PasswordError as error:
            raise ProtocolError("passwordRefused", str(error)) from None
        except LoginBusyError as error:
            raise ProtocolError("rateLimited", str(error)) from None
        self._users.set_password(
            access.name, password_hash, action="changePassword", by=actor_of(access)
        )

    def _record_wrong_password(self, access: Access, address: str) -> None:
        """Record it as the failed login that it counts as; whose session it was is known."""
        details: JsonObject = {
            "outcome": "failure",
            "address": address,
            "user": access.name,
            "session": access.session,
        }
        self._audit.append("UserLogin", NOBODY, details, is_failed_login=True)


def session_list(sessions: list[Session], own: str = "") -> SessionsResponse:
    """The reply that lists sessions."""
    return SessionsResponse(
        sessions=[
            SessionInfo(
                session=one.id,
                started=seconds_text(one.started),
                last_used=seconds_text(one.last_used),
                address=one.address,
                agent=one.agent,
                is_own=one.id == own,
            )
            for one in sessions
        ]
    )


def end_session(sessions: SessionStore, username: str, session: str, by: Actor) -> None:
    """End a session of a user; raises ProtocolError if there is none."""
    if not sessions.end(username, session, by=by):
        raise ProtocolError("notFound", NO_SUCH_SESSION)


def seconds_text(seconds: float) -> str:
    """Seconds since 1970 as a timestamp."""
    return timestamps.text(round(seconds * 1_000) * 1_000_000)
