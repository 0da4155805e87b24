"""Requests about TCP streams: the list, changes, and ties to a client's timeline."""

from __future__ import annotations

from itertools import accumulate

import msgspec

from nova.edge.access import Access
from nova.edge.actor import actor_of
from nova.edge.running_streams import TcpStreams
from nova.edge.tcp_stream import OwnerConnection
from nova.edge.tcp_stream_changes import TcpStreamChanges
from nova.edge.tcp_stream_info import (
    CHANGING_ROLES,
    may_change,
    may_see,
    stream_info,
    stream_setup,
)
from nova.edge.tcp_stream_store import StoredStream, TcpStreamStore
from nova.edge.tcp_stream_supervisor import TcpStreamSupervisor
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.tcp_streams import (
    CreateTcpStream,
    DeleteTcpStream,
    EditTcpStream,
    ListStreams,
    StartTcpStream,
    StopTcpStream,
    StreamsResponse,
    TcpStreamChanged,
    TcpStreamInfo,
    TcpStreamReply,
    TcpStreamRequest,
    TieTcpStream,
    UntieTcpStream,
)

NO_SUCH_STREAM = "there is no TCP stream {!r} that you may see"

_Change = EditTcpStream | StartTcpStream | StopTcpStream | DeleteTcpStream


class TcpStreamRequests:
    """Answers requests about TCP streams; one instance serves all connections of an edge."""

    def __init__(
        self,
        store: TcpStreamStore,
        changes: TcpStreamChanges,
        supervisor: TcpStreamSupervisor,
        runtime: TcpStreams,
        list_max_bytes: int,
    ) -> None:
        self._store = store
        self._changes = changes
        self._supervisor = supervisor
        self._runtime = runtime
        self._list_max_bytes = list_max_bytes
        self._tied_by: dict[str, str] = {}
        """By stream: the user of the connection that was tied last."""

    async def reply(
        self, access: Access, request: TcpStreamRequest, owner: OwnerConnection | None = None
    ) -> TcpStreamReply:
        """Carry out a request and return its reply; raises ProtocolError. `owner` is the client's
        connection, None if it has no timeline.
        """
        if isinstance(request, ListStreams):
            return self.list_streams(access, owner, request.name)
        if access.role not in CHANGING_ROLES:
            raise ProtocolError(
                "forbidden", f"your role ({access.role}) cannot change or tie TCP streams"
            )
        if isinstance(request, CreateTcpStream):
            return await self._create(access, request, owner)
        stream = self._changeable(access, request.stream_id)
        if isinstance(request, TieTcpStream | UntieTcpStream):
            self._require_running(stream)
            if isinstance(request, TieTcpStream):
                await self._tie(access, stream, owner)
            else:
                self._runtime.untie(stream.id)
                self._store.record_tie(stream, actor_of(access), tied=False)
        else:
            await self._change(access, stream, request)
        return self._changed(access, stream.id, owner)

    def connection_closed(self, owner: OwnerConnection) -> None:
        """The streams that are tied to this connection follow the present again."""
        self._runtime.connection_closed(owner)

    def list_streams(
        self, access: Access, owner: OwnerConnection | None = None, name: str | None = None
    ) -> StreamsResponse:
        """The streams that a principal may see, or only the one with a name: as many as a reply
        has room for, the others are counted.
        """
        serves = self._supervisor.serves
        holder = None if serves else self._supervisor.holder()
        server = None if holder is None else str(holder)
        streams = [
            self._info(access, stream, owner)
            for stream in self._store.list_streams()
            if may_see(access, stream) and name in (None, stream.definition.name)
        ]
        listed = _fitting(streams, self._list_max_bytes)
        return StreamsResponse(
            streams=listed,
            streams_left_out=len(streams) - len(listed),
            setup=stream_setup(access, len(streams), server),
            served_here=serves,
            server=server,
        )

    async def _create(
        self, access: Access, request: CreateTcpStream, owner: OwnerConnection | None
    ) -> TcpStreamChanged:
        stream = self._changes.create(
            request.definition,
            access,
            actor_of(access),
            enabled=request.enabled,
            is_ground=await self._supervisor.is_ground(),
        )
        await self._supervisor.apply()
        return self._changed(access, stream.id, owner)

    async def _change(self, access: Access, stream: StoredStream, request: _Change) -> None:
        by = actor_of(access)
        match request:
            case EditTcpStream():
                is_ground = await self._supervisor.is_ground()
                self._changes.edit(stream, request.definition, access, by, is_ground=is_ground)
            case StartTcpStream():
                is_ground = await self._supervisor.is_ground()
                self._changes.start(stream, by, is_ground=is_ground)
            case StopTcpStream():
                self._changes.stop(stream, by)
            case DeleteTcpStream():
                self._changes.delete(stream, by)
        await self._supervisor.apply()

    async def _tie(
        self, access: Access, stream: StoredStream, owner: OwnerConnection | None
    ) -> None:
        if owner is None:
            raise ProtocolError("badStream", "only a client with a timeline can tie a stream to it")
        await self._runtime.tie(stream.id, owner)
        self._tied_by[stream.id] = access.name
        self._store.record_tie(stream, actor_of(access), tied=True)

    def _require_running(self, stream: StoredStream) -> None:
        """Only a stream that runs in this edge can follow one of its connections."""
        name = stream.definition.name
        if not self._supervisor.serves:
            holder = self._supervisor.holder()
            where = "another edge does" if holder is None else f"{holder} does"
            raise ProtocolError(
                "servedElsewhere",
                f"this edge does not serve {name}, {where}: open its page to tie the stream",
            )
        status = self._runtime.status(stream.id)
        if status is None or not status.listening:
            why = self._problem(stream) or "it is stopped, start it first"
            raise ProtocolError("badStream", f"{name} does not run: {why}")

    def _problem(self, stream: StoredStream) -> str | None:
        """Why an enabled stream does not listen, as far as this edge knows."""
        if not stream.enabled:
            return None
        status = self._runtime.status(stream.id)
        return self._supervisor.problem(stream.id) if status is None else status.problem

    def _changeable(self, access: Access, stream_id: str) -> StoredStream:
        stream = self._store.get(stream_id)
        if stream is None or not may_see(access, stream):
            raise ProtocolError("notFound", NO_SUCH_STREAM.format(stream_id))
        if not may_change(access, stream):
            raise ProtocolError(
                "forbidden", f"{stream.definition.name} belongs to {stream.created_by}"
            )
        return stream

    def _changed(
        self, access: Access, stream_id: str, owner: OwnerConnection | None
    ) -> TcpStreamChanged:
        stream = self._store.get(stream_id)
        return TcpStreamChanged(
            stream=None if stream is None else self._info(access, stream, owner)
        )

    def _info(
        self, access: Access, stream: StoredStream, owner: OwnerConnection | None
    ) -> TcpStreamInfo:
        info = stream_info(access, stream)
        if self._supervisor.serves and stream.enabled:
            info.problem, info.state = self._problem(stream), "failed"
        status = self._runtime.status(stream.id)
        if status is None:
            return info
        info.listening = status.listening
        if info.listening:
            info.state = "live" if status.owner is None else "tied"
        info.cursor = status.cursor
        info.connections = status.connections
        info.messages = status.messages
        info.dropped = status.dropped
        info.too_large = status.too_large
        info.bytes_sent = status.bytes_sent
        info.bytes_per_s = status.bytes_per_s
        if status.owner is not None:
            info.tied_by = self._tied_by.get(stream.id, "")
            info.tied_here = status.owner is owner
        return info


def _fitting(streams: list[TcpStreamInfo], max_bytes: int) -> list[TcpStreamInfo]:
    """The streams, without the first that has no room and all after it. A single one always has."""
    sizes = accumulate(len(msgspec.json.encode(stream)) for stream in streams)
    count = sum(1 for size in sizes if size <= max_bytes)
    return streams[: max(count, 1)]
