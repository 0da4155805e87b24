"""Administration of an edge by its admins: the users, their sessions, the API keys and limits."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from nova.sdk.field_types import Id, Lane
from nova.sdk.protocol.account import Password, SessionId
from nova.sdk.protocol.message import Message
from nova.sdk.protocol.submission import SCOPES_MAX as SCOPES_MAX
from nova.sdk.protocol.submission import Role
from nova.sdk.request_limit import LimitKind

UserOrigin = Literal["local", "oidc"]
"""`oidc`: the user logs in with OpenID Connect and has no password."""

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


class ListLimits(Message, kw_only=True, tag="listLimits"):
    """The limits of all edges, who uses them now, and the logins that are held back."""


class ReleaseAccount(Message, kw_only=True, tag="releaseAccount"):
    """Forget the failed logins of a user, so that the password is checked again."""

    username: Id


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
    origin: UserOrigin = "local"


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


class LimitInfo(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """At most `count` requests of a kind in any `window_s` seconds; of logins, failures."""

    kind: LimitKind | Literal["login"]
    count: int
    window_s: float


class LimitUse(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """What a user or key has used of a limit in the window that ends now; at the limit, when the
    next request is possible. Of renewals, what one `session` of the user has used; of logins
    with OpenID Connect, what an address has, with the principal `address …`.
    """

    principal: str
    kind: LimitKind
    used: int
    count: int
    free_at: str | None = None
    session: str | None = None


class HeldAccount(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A user with failed logins that still count. Until these times no password is checked from
    browsers and addresses that have logged in before, and from all others; absent: it is.
    """

    username: str
    failures: int
    browsers_until: str | None = None
    addresses_until: str | None = None
    others_until: str | None = None


class HeldNetwork(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A network whose logins have failed at this edge: until then they wait behind those of others,
    and may not use what accounts reserve for newcomers.
    """

    network: str
    failures: int
    until: str


class LimitsResponse(Message, kw_only=True, tag="limitsResponse", omit_defaults=True):
    """The limits by kind; what is used of them, the fullest first; and logins held back, those with
    the most failures first. `uses_left_out` and `networks_left_out` say how many more there are,
    `unknown_names` how many names have failed logins that no user has.
    """

    limits: list[LimitInfo]
    uses: list[LimitUse]
    uses_left_out: int = 0
    accounts: list[HeldAccount]
    unknown_names: int = 0
    networks: list[HeldNetwork]
    networks_left_out: int = 0


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
    | ListLimits
    | ReleaseAccount
)
AdminReply = UsersResponse | UserChanged | KeysResponse | KeyChanged | LimitsResponse
