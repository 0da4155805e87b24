"""The TCP streams as `nova streams` reaches them: in a data folder, or at an edge."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from nova.console.archive_options import ArchiveSource
from nova.edge.access import Access
from nova.edge.actor import local_actor
from nova.edge.edge_config import FOLDER_NAME
from nova.edge.edge_database import FILE_NAME
from nova.edge.key_store import KeyStore
from nova.edge.stream_table import StreamLine
from nova.edge.tcp_ports import check_port
from nova.edge.tcp_stream_changes import TcpStreamChanges
from nova.edge.tcp_stream_info import stream_info, stream_setup
from nova.edge.tcp_stream_lock import holder_ports, lock_holder
from nova.edge.tcp_stream_principals import TcpStreamPrincipals
from nova.edge.tcp_stream_store import StoredStream, TcpStreamStore
from nova.edge.user_store import UserStore
from nova.edge.users_file import require_users, storage_errors
from nova.sdk.address import is_id
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError, ProtocolError
from nova.sdk.protocol.tcp_streams import (
    CreateTcpStream,
    DeleteTcpStream,
    EditTcpStream,
    ListStreams,
    StartTcpStream,
    StopTcpStream,
    StreamsResponse,
    TcpStreamChanged,
    TcpStreamDefinition,
    TcpStreamInfo,
)

APPLIED_WITHIN_S = 2.0
PORT_POLL_S = 0.05


class StreamsAccess(Protocol):
    """What the command does with streams. All raise ProtocolError with the reason of a refusal."""

    knows_state: bool
    """Whether what it lists has the state of streams that run."""

    async def list_streams(self) -> StreamsResponse: ...
    async def find(self, name: str) -> TcpStreamInfo: ...
    async def create(self, definition: TcpStreamDefinition, *, enabled: bool) -> None: ...
    async def edit(self, stream: TcpStreamInfo, definition: TcpStreamDefinition) -> None: ...
    async def start(self, stream: TcpStreamInfo) -> None: ...
    async def stop(self, stream: TcpStreamInfo) -> None: ...
    async def delete(self, name: str) -> None: ...
    def outlook(self, line: StreamLine) -> str: ...


@asynccontextmanager
async def open_streams(source: ArchiveSource) -> AsyncIterator[StreamsAccess]:
    """The streams at an edge, or those of a data folder."""
    if source.url is not None:
        async with await source.connect() as client:
            yield _EdgeStreams(client, source.url)
        return
    data = source.data or Path("./nova-data")
    folder = data / FOLDER_NAME
    with storage_errors(folder / FILE_NAME, "nothing was changed"):
        require_users(data)
        with TcpStreamStore(folder) as store, UserStore(folder) as users, KeyStore(folder) as keys:
            yield _FolderStreams(data, store, TcpStreamPrincipals(users, keys))


class _EdgeStreams:
    """The streams of an edge, with the rights of whoever has logged in."""

    knows_state = True

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url

    async def list_streams(self) -> StreamsResponse:
        listed = await self._client.request(ListStreams(), StreamsResponse)
        self.knows_state = listed.served_here
        return listed

    async def find(self, name: str) -> TcpStreamInfo:
        if not is_id(name):
            raise _not_found(name)
        listed = await self._client.request(ListStreams(name=name), StreamsResponse)
        self.knows_state = listed.served_here
        return _find(listed.streams, name)

    async def create(self, definition: TcpStreamDefinition, *, enabled: bool) -> None:
        request = CreateTcpStream(definition=definition, enabled=enabled)
        await self._client.request(request, TcpStreamChanged)

    async def edit(self, stream: TcpStreamInfo, definition: TcpStreamDefinition) -> None:
        request = EditTcpStream(stream_id=stream.stream_id, definition=definition)
        await self._client.request(request, TcpStreamChanged)

    async def start(self, stream: TcpStreamInfo) -> None:
        await self._client.request(StartTcpStream(stream_id=stream.stream_id), TcpStreamChanged)

    async def stop(self, stream: TcpStreamInfo) -> None:
        await self._client.request(StopTcpStream(stream_id=stream.stream_id), TcpStreamChanged)

    async def delete(self, name: str) -> None:
        stream = await self.find(name)
        await self._client.request(DeleteTcpStream(stream_id=stream.stream_id), TcpStreamChanged)

    def outlook(self, line: StreamLine) -> str:
        """What becomes of the stream now."""
        if line.listening is None and line.enabled:
            return "another edge serves it, within a second"
        return line.problem or line.state


class _FolderStreams:
    """The streams of a data folder. Whoever may write there may do everything."""

    knows_state = False

    def __init__(self, data: Path, store: TcpStreamStore, principals: TcpStreamPrincipals) -> None:
        self._data = data
        self._store = store
        self._by = local_actor()
        self._access = Access(self._by.name, "user", "admin", math.inf)
        self._changes = TcpStreamChanges(
            store, principals.access_of, lambda: holder_ports(data / FOLDER_NAME)
        )

    async def list_streams(self) -> StreamsResponse:
        streams = [stream_info(self._access, one) for one in self._store.list_streams()]
        holder = lock_holder(self._data / FOLDER_NAME)
        return StreamsResponse(
            streams=streams,
            setup=stream_setup(self._access, len(streams)),
            served_here=False,
            server=None if holder is None else str(holder),
        )

    async def find(self, name: str) -> TcpStreamInfo:
        return _find((await self.list_streams()).streams, name)

    async def create(self, definition: TcpStreamDefinition, *, enabled: bool) -> None:
        self._changes.create(
            definition,
            self._access,
            self._by,
            enabled=enabled,
            is_ground=await self._is_ground(),
        )

    async def edit(self, stream: TcpStreamInfo, definition: TcpStreamDefinition) -> None:
        stored, is_ground = self._stored(stream), await self._is_ground()
        self._changes.edit(stored, definition, self._access, self._by, is_ground=is_ground)
        if definition.port != stored.definition.port:
            await self._wait_for_port(stored)

    async def start(self, stream: TcpStreamInfo) -> None:
        is_ground = await self._is_ground()
        self._changes.start(self._stored(stream), self._by, is_ground=is_ground)

    async def stop(self, stream: TcpStreamInfo) -> None:
        stored = self._stored(stream)
        self._changes.stop(stored, self._by)
        await self._wait_for_port(stored)

    async def delete(self, name: str) -> None:
        """Also if a newer program has written the stream in its own way."""
        stream_id = self._store.id_of(name)
        if stream_id is None:
            raise _not_found(name)
        stored = self._store.get(stream_id)
        self._store.delete(stream_id, self._by)
        if stored is not None:
            await self._wait_for_port(stored)

    def outlook(self, line: StreamLine) -> str:
        """What becomes of the stream now."""
        holder = lock_holder(self._data / FOLDER_NAME)
        if not line.enabled:
            return "it does not listen"
        if holder is None:
            return "it listens once an edge runs, such as that of `nova up`"
        return f"{holder} applies it within a second"

    async def _wait_for_port(self, before: StoredStream) -> None:
        """Wait until the edge that serves has closed the port of a stream, so that the next command
        finds it free; not for long, since another program may have it.
        """
        waits_until_s = time.monotonic() + APPLIED_WITHIN_S
        while before.enabled and lock_holder(self._data / FOLDER_NAME) is not None:
            with contextlib.suppress(ProtocolError):
                check_port(before.definition.bind, before.definition.port)
                return
            if time.monotonic() >= waits_until_s:
                return
            await asyncio.sleep(PORT_POLL_S)

    def _stored(self, stream: TcpStreamInfo) -> StoredStream:
        stored = self._store.get(stream.stream_id)
        if stored is None:
            raise _not_found(stream.definition.name)
        return stored

    async def _is_ground(self) -> bool:
        """Whether a running instance says that its archive holds several scopes. If none runs, the
        edge that starts applies the rules of the archive.
        """
        with contextlib.suppress(NovaError, OSError):
            async with await Client.to_core(self._data) as client:
                return (await client.status()).mode == "ground"
        return False


def _find(streams: list[TcpStreamInfo], name: str) -> TcpStreamInfo:
    for stream in streams:
        if stream.definition.name == name:
            return stream
    raise _not_found(name)


def _not_found(name: str) -> ProtocolError:
    return ProtocolError(
        "notFound", f"there is no TCP stream {name!r}: `nova streams list` shows those that are"
    )
