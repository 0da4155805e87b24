"""Keeps the login of a connection renewed, and logs out at its end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol, TypeVar

from nova.sdk.client.edge_login import EdgeLogin
from nova.sdk.errors import ConnectionLostError, NovaError, ProtocolError
from nova.sdk.protocol.account import AccountChanged, Logout
from nova.sdk.protocol.message import Message
from nova.sdk.protocol.messages import Auth, Authenticated

RENEW_AT = 2 / 3
"""The share of a token's lifetime after which it is renewed."""

RETRY_S = 2.0
LOGOUT_TIMEOUT_S = 2.0

ReplyT = TypeVar("ReplyT", bound=Message)


class Requests(Protocol):
    """The connection that the login is for."""

    async def request(self, message: Message, reply: type[ReplyT]) -> ReplyT: ...


class LoginRenewal:
    """Renews an access token in time and shows it to the edge, which would otherwise close the
    connection when the token expires.
    """

    def __init__(self, login: EdgeLogin, connection: Requests) -> None:
        self._login = login
        self._connection = connection
        self._task = asyncio.create_task(self._renew())

    @property
    def token(self) -> str:
        return self._login.token

    async def close(self) -> None:
        """Stop renewing and end the session, as far as the edge still answers."""
        self._task.cancel()
        await asyncio.wait((self._task,))
        with contextlib.suppress(NovaError, OSError, TimeoutError):
            async with asyncio.timeout(LOGOUT_TIMEOUT_S):
                await self._connection.request(Logout(), AccountChanged)
        await self._login.close()

    async def _renew(self) -> None:
        pause_s = self._login.lifetime_s * RENEW_AT
        while True:
            await asyncio.sleep(pause_s)
            try:
                await self._login.renew()
            except ConnectionLostError:
                pause_s = RETRY_S  # An edge that restarts may be back before the token expires.
                continue
            except ProtocolError:
                return  # The session has ended; the edge closes the connection and says so.
            with contextlib.suppress(NovaError):  # A lost connection is reported to its users.
                await self._connection.request(Auth(token=self._login.token), Authenticated)
            pause_s = max(self._login.lifetime_s * RENEW_AT, RETRY_S)
