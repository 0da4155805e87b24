"""The TCP streams of one edge: their parts put together."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import aiohttp

from nova.edge.core_status import CoreStatus
from nova.edge.edge_address import EdgeAddress
from nova.edge.edge_config import EdgeConfig
from nova.edge.edge_stores import EdgeStores
from nova.edge.running_streams import TcpStreams
from nova.edge.tcp_stream_changes import TcpStreamChanges
from nova.edge.tcp_stream_lock import holder_ports
from nova.edge.tcp_stream_principals import TcpStreamPrincipals
from nova.edge.tcp_stream_requests import TcpStreamRequests
from nova.edge.tcp_stream_supervisor import TcpStreamSupervisor
from nova.sdk.protocol.message import Timebase


class TcpStreamService:
    """`requests` answers clients; `looking_after` and `serving` run the streams while the
    application runs, whose runner is set in `address`.
    """

    def __init__(
        self,
        config: EdgeConfig,
        stores: EdgeStores,
        reader: aiohttp.ClientSession,
        reader_responding: asyncio.Event,
        core: CoreStatus,
    ) -> None:
        store, tcp = stores.streams, replace(config.limits.tcp, drain_s=config.drain_s)
        limits = replace(config.limits, tcp=tcp)
        self.address = address = EdgeAddress(config.host)
        access_of = TcpStreamPrincipals(stores.users, stores.keys).access_of
        self.streams = TcpStreams(
            reader, limits, reader_responding, access_of, self._default_timebase
        )
        self._supervisor = TcpStreamSupervisor(
            config.folder,
            store,
            self.streams,
            core,
            address.url,
            poll_s=limits.streams_poll_s,
            streams_max=limits.tcp.streams_max,
        )
        self.looking_after = self.streams.running
        self.serving = self._supervisor.running
        changes = TcpStreamChanges(
            store, access_of, lambda: address.ports() | holder_ports(config.folder)
        )
        self.requests = TcpStreamRequests(
            store, changes, self._supervisor, self.streams, limits.tcp.list_max_bytes
        )

    def drop_reader(self) -> None:
        """The reader hangs: drop the connections to it."""
        self.streams.drop_reader()

    def _default_timebase(self) -> Timebase:
        return self._supervisor.default_timebase()
