"""Administration of an edge by its admins: the users, their sessions and the API keys."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from nova.sdk.field_types import Id, Lane
from nova.sdk.protocol.account import Password, SessionId
from nova.sdk.protocol.message import Message
from nova.sdk.protocol.submission import Role

SCOPES_MAX = 1_000

Scopes = Annotated[list[Id], Meta(min_length=1, max_length=SCOPES_MAX)]
Lanes = Annotated[list[Lane], Meta(min_length=1)]


class ListUsers(Message, kw_only=True, tag="listUsers"):
    """All users."""


class AddUser(Message, kw_only=True, tag="addUser"):
    """Add a user. Without a password one is generated, returned once, and has to be changed at the
    first login. `scopes` null means all.
    """

    username: Id
    role: Role
    scopes: Scopes | None = None
    password: Password | None = None


class ChangeUser(Message, kw_only=True, tag="changeUser"):
    """Change what is given of a user; all sessions of the user end."""

    username: Id
    enabled: bool | None = None
    role: Role | None = None
    scopes: Scopes | UnsetType | None = UNSET


class ResetPassword(Message, kw_only=True, tag="resetPassword"):
    """Give a user a password that has to be changed at the next login; by default a generated one,
    which is returned once. All sessions of the user end.
    """

    username: Id
    password: Password | None = None


class DeleteUser(Message, kw_only=True, tag="deleteUser"):
    """Delete a user. What the user did remains on the timeline."""

    username: Id


class ListUserSessions(Message, kw_only=True, tag="listUserSessions"):
    """The sessions of any user."""

    username: Id


class EndUserSession(Message, kw_only=True, tag="endUserSession"):
    """End a session of any user."""

    username: Id
    session: SessionId


class ListKeys(Message, kw_only=True, tag="listKeys"):
    """All API keys, without their secrets."""


class AddKey(Message, kw_only=True, tag="addKey"):
    """Add an API key; its secret is returned once. `scopes` and `lanes` null mean all; without
    `expires_at` the key does not expire.
    """

    name: Id
    role: Role
    scopes: Scopes | None = None
    lanes: Lanes | None = None
    expires_at: str | None = None


class RevokeKey(Message, kw_only=True, tag="revokeKey"):
    """Delete an API key; connections that use it are closed."""

    name: Id


class UserInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A user; times are UTC."""

    username: str
    role: Role
    enabled: bool
    created: str
    scopes: list[str] | None = None
    must_change_password: bool = False
    last_login: str | None = None


class UsersResponse(Message, kw_only=True, tag="usersResponse"):
    """The users by name."""

    users: list[UserInfo]


class UserChanged(Message, kw_only=True, tag="userChanged"):
    """The user after the change (absent: deleted), and the password if one was generated."""

    user: UserInfo | None = None
    password: str | None = None


class KeyInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """An API key; times are UTC. `last_used` is exact to the minute."""

    name: str
    role: Role
    created: str
    created_by: str
    scopes: list[str] | None = None
    lanes: list[Lane] | None = None
    expires_at: str | None = None
    last_used: str | None = None


class KeysResponse(Message, kw_only=True, tag="keysResponse"):
    """The API keys by name."""

    keys: list[KeyInfo]


class KeyChanged(Message, kw_only=True, tag="keyChanged"):
    """The key that was added with its secret, which is not shown again; absent: revoked."""

    key: KeyInfo | None = None
    secret: str | None = None


AdminRequest = (
    ListUsers
    | AddUser
    | ChangeUser
    | ResetPassword
    | DeleteUser
    | ListUserSessions
    | EndUserSession
    | ListKeys
    | AddKey
    | RevokeKey
)
AdminReply = UsersResponse | UserChanged | KeysResponse | KeyChanged
