"""The replies that an edge gives itself."""

from __future__ import annotations

from nova.sdk.protocol.account import AccountReply
from nova.sdk.protocol.admin import AdminReply
from nova.sdk.protocol.displays import DisplayReply
from nova.sdk.protocol.tcp_streams import TcpStreamReply

EdgeReply = AccountReply | AdminReply | TcpStreamReply | DisplayReply
