"""The requests that an edge answers itself: accounts, admin, TCP streams, displays, metrics."""

from __future__ import annotations

from typing import NamedTuple

from nova.edge.access import Access
from nova.edge.account_requests import AccountRequests
from nova.edge.admin_requests import AdminRequests
from nova.edge.core_link import CoreLink
from nova.edge.database_turn import DatabaseTurn
from nova.edge.display_requests import READ_ONLY as READING_DISPLAYS
from nova.edge.display_requests import DisplayRequests
from nova.edge.edge_metrics import EdgeMetrics
from nova.edge.tcp_stream_requests import TcpStreamRequests
from nova.sdk.protocol.account import AccountRequest, ListSessions
from nova.sdk.protocol.admin import (
    AdminRequest,
    ListKeys,
    ListLimits,
    ListUsers,
    ListUserSessions,
    ReleaseAccount,
)
from nova.sdk.protocol.displays import DisplayRequest
from nova.sdk.protocol.messages import Message, Metrics
from nova.sdk.protocol.tcp_streams import TcpStreamRequest

OwnRequest = AccountRequest | AdminRequest | TcpStreamRequest | DisplayRequest | Metrics

READ_ONLY = (
    ListSessions
    | ListUserSessions
    | ListUsers
    | ListKeys
    | ListLimits
    | ReleaseAccount
    | Metrics
    | READING_DISPLAYS
)
"""Those of them that change nobody's access, and write nothing."""

SAME_ACCESS = READ_ONLY | TcpStreamRequest | DisplayRequest
"""Those after which everybody's access is as before."""


class OwnRequests(NamedTuple):
    """What answers them; one instance serves all connections of an edge."""

    accounts: AccountRequests
    admin: AdminRequests
    tcp_streams: TcpStreamRequests
    displays: DisplayRequests
    metrics: EdgeMetrics
    database_turn: DatabaseTurn

    async def reply(
        self, access: Access, request: OwnRequest, core: CoreLink, address: str
    ) -> Message:
        """The reply to a request of a client with this link and address; raises ProtocolError and
        sqlite3.Error.
        """
        if not isinstance(request, READ_ONLY):
            await self.database_turn.wait()
        if isinstance(request, TcpStreamRequest):
            await core.open(access)  # A stream may follow this connection.
            return await self.tcp_streams.reply(access, request, core)
        if isinstance(request, DisplayRequest):
            return self.displays.reply(access, request)
        if isinstance(request, Metrics):
            return await self.metrics.reply(access)
        if isinstance(request, AdminRequest):
            return await self.admin.reply(access, request)
        return await self.accounts.reply(access, request, address)
