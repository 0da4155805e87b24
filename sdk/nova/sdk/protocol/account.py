"""A user's own account at an edge: the password and the sessions. The Core knows none of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from nova.sdk.protocol.message import Message

PASSWORD_MAX_CHARS = 1_024

Password = Annotated[str, Meta(min_length=1, max_length=PASSWORD_MAX_CHARS)]
SessionId = Annotated[str, Meta(min_length=1, max_length=64)]


class Logout(Message, kw_only=True, tag="logout"):
    """End this session: its tokens are refused from now on, and the connection closes."""


class ChangePassword(Message, kw_only=True, tag="changePassword"):
    """Change the user's own password. All sessions of the user end, this one too."""

    password: Password
    new_password: Password


class ListSessions(Message, kw_only=True, tag="listSessions"):
    """The user's sessions."""


class EndSession(Message, kw_only=True, tag="endSession"):
    """End one of the user's sessions."""

    session: SessionId


class AccountChanged(Message, kw_only=True, tag="accountChanged"):
    """The request of an account was carried out."""


class SessionInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One session: when it began and was used last (UTC), from which address and program.
    `is_own`: the one that asks.
    """

    session: str
    started: str
    last_used: str
    address: str = ""
    agent: str = ""
    is_own: bool = False


class SessionsResponse(Message, kw_only=True, tag="sessionsResponse"):
    """The sessions of a user, the most recently used first."""

    sessions: list[SessionInfo]


AccountRequest = Logout | ChangePassword | ListSessions | EndSession
AccountReply = AccountChanged | SessionsResponse
