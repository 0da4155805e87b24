"""Requests of admins: users, their sessions, API keys and limits."""

from __future__ import annotations

import logging
import secrets
import sqlite3

from nova.edge.access import Access
from nova.edge.account_requests import end_session, seconds_text, session_list
from nova.edge.actor import actor_of
from nova.edge.errors import LastAdminError, LoginBusyError, PasswordError
from nova.edge.key_store import ApiKey, KeyStore
from nova.edge.limit_requests import LimitRequests
from nova.edge.login_store import LoginStore
from nova.edge.password_policy import check_new_password
from nova.edge.passwords import PasswordHashing
from nova.edge.session_store import SessionStore
from nova.edge.user_store import NAME_TAKEN, User, UserStore
from nova.sdk import timestamps
from nova.sdk.errors import ProtocolError, TimestampError
from nova.sdk.protocol.account import AccountChanged, SessionsResponse
from nova.sdk.protocol.admin import (
    AddKey,
    AddUser,
    AdminReply,
    AdminRequest,
    ChangeUser,
    DeleteUser,
    EndUserSession,
    KeyChanged,
    KeyInfo,
    KeysResponse,
    ListKeys,
    ListLimits,
    ListUsers,
    ListUserSessions,
    ReleaseAccount,
    ResetPassword,
    RevokeKey,
    UserChanged,
    UserInfo,
    UsersResponse,
)

LIMITED_ADMIN = (
    "administration needs access to all scopes and lanes, and yours is limited: an admin without "
    "limits, or `nova users` on the machine, can change it"
)
"""Users and keys see what their admin gives them, so no admin may give more than it has."""

OWN_PASSWORD = "change your own password with `changePassword`, which asks for the current one"
NO_SUCH_USER = "there is no user {!r}"

log = logging.getLogger(__name__)


class AdminRequests:
    """Answers admin requests; one instance serves all connections of an edge."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        keys: KeyStore,
        passwords: PasswordHashing,
        logins: LoginStore,
        limits: LimitRequests,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._keys = keys
        self._passwords = passwords
        self._logins = logins
        self._limits = limits

    async def reply(
        self, access: Access, request: AdminRequest
    ) -> AdminReply | SessionsResponse | AccountChanged:
        """Carry out a request and return its reply; raises ProtocolError."""
        if access.role != "admin":
            raise ProtocolError("forbidden", f"your role ({access.role}) cannot manage users")
        if access.is_limited:
            raise ProtocolError("forbidden", LIMITED_ADMIN)
        try:
            return await self._reply(access, request)
        except PasswordError as error:
            raise ProtocolError("passwordRefused", str(error)) from None
        except LoginBusyError as error:
            raise ProtocolError("rateLimited", str(error)) from None
        except LastAdminError as error:
            raise ProtocolError("lastAdmin", str(error)) from None

    async def _reply(
        self, access: Access, request: AdminRequest
    ) -> AdminReply | SessionsResponse | AccountChanged:
        match request:
            case ListUsers():
                return UsersResponse(users=[_user_info(one) for one in self._users.list_users()])
            case AddUser():
                return await self._add_user(access, request)
            case ChangeUser():
                return self._change_user(access, request)
            case ResetPassword():
                return await self._reset_password(access, request)
            case DeleteUser():
                self._existing(request.username)
                self._users.delete(request.username, by=actor_of(access))
                self._forget_logins(request.username)
                return UserChanged()
            case ListUserSessions():
                self._existing(request.username)
                return session_list(self._sessions.of_user(request.username), access.session)
            case EndUserSession():
                end_session(self._sessions, request.username, request.session, actor_of(access))
                return AccountChanged()
            case ListKeys():
                return KeysResponse(keys=[_key_info(one) for one in self._keys.list_keys()])
            case AddKey():
                return self._add_key(access, request)
            case RevokeKey():
                if not self._keys.revoke(request.name, by=actor_of(access)):
                    raise ProtocolError("notFound", f"there is no API key {request.name!r}")
                return KeyChanged()
            case ListLimits():
                return self._limits.overview(self._users.list_users())
            case ReleaseAccount():
                self._existing(request.username)
                self._limits.release(access, request.username)
                return self._changed(request.username)

    async def _add_user(self, access: Access, request: AddUser) -> UserChanged:
        password, generated = _password(request.password)
        password_hash = await self._passwords.hash(password)
        if not self._users.add(
            request.username,
            password_hash,
            request.role,
            scopes=request.scopes,
            must_change=True,
            by=actor_of(access),
        ):
            raise ProtocolError("nameTaken", NAME_TAKEN.format(request.username))
        return self._changed(request.username, generated)

    def _change_user(self, access: Access, request: ChangeUser) -> UserChanged:
        username = request.username
        self._existing(username)
        self._users.change(
            username,
            enabled=request.enabled,
            role=request.role,
            scopes=request.scopes,
            by=actor_of(access),
        )
        return self._changed(username)

    async def _reset_password(self, access: Access, request: ResetPassword) -> UserChanged:
        self._existing(request.username).require_password()
        if (access.kind, access.name) == ("user", request.username):
            raise ProtocolError("forbidden", OWN_PASSWORD)
        password, generated = _password(request.password)
        password_hash = await self._passwords.hash(password)
        if not self._users.set_password(
            request.username, password_hash, must_change=True, by=actor_of(access)
        ):
            raise ProtocolError("notFound", NO_SUCH_USER.format(request.username))
        self._forget_logins(request.username)
        return self._changed(request.username, generated)

    def _add_key(self, access: Access, request: AddKey) -> KeyChanged:
        expires = None if request.expires_at is None else _future_seconds(request.expires_at)
        secret = self._keys.add(
            request.name,
            request.role,
            access.name,
            scopes=request.scopes,
            lanes=request.lanes,
            expires=expires,
            by=actor_of(access),
        )
        if secret is None:
            raise ProtocolError("nameTaken", NAME_TAKEN.format(request.name))
        key = self._keys.get(request.name)
        return KeyChanged(key=None if key is None else _key_info(key), secret=secret)

    def _forget_logins(self, username: str) -> None:
        """Forget failed logins and known browsers; if that fails, the change before it still
        holds.
        """
        try:
            self._logins.reset(username)
        except sqlite3.Error as error:
            log.error("failed logins and known browsers of %s remain: %s", username, error)

    def _existing(self, username: str) -> User:
        user = self._users.get(username)
        if user is None:
            raise ProtocolError("notFound", NO_SUCH_USER.format(username))
        return user

    def _changed(self, username: str, generated: str | None = None) -> UserChanged:
        return UserChanged(user=_user_info(self._existing(username)), password=generated)


def _password(given: str | None) -> tuple[str, str | None]:
    """The password to set, and the same if it was generated."""
    if given is None:
        generated = secrets.token_urlsafe()
        return generated, generated
    check_new_password(given)
    return given, None


def _future_seconds(text: str) -> float:
    try:
        expires_ns = timestamps.parse(text)
    except TimestampError as error:
        raise ProtocolError("badTime", f"expiresAt {error}") from None
    if expires_ns <= timestamps.now():
        raise ProtocolError("badTime", "expiresAt is in the past")
    return expires_ns / timestamps.NS_PER_SECOND


def _user_info(user: User) -> UserInfo:
    return UserInfo(
        username=user.username,
        role=user.role,
        enabled=user.enabled,
        created=user.created,
        scopes=None if user.scopes is None else list(user.scopes),
        must_change_password=user.must_change,
        last_login=user.last_login,
        origin=user.origin,
    )


def _key_info(key: ApiKey) -> KeyInfo:
    return KeyInfo(
        name=key.name,
        role=key.role,
        created=seconds_text(key.created),
        created_by=key.created_by,
        scopes=None if key.scopes is None else list(key.scopes),
        lanes=None if key.lanes is None else list(key.lanes),
        expires_at=None if key.expires is None else seconds_text(key.expires),
        last_used=None if key.last_used is None else seconds_text(key.last_used),
    )
