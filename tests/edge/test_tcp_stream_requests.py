"""TCP streams over the WebSocket: who may list, change and tie them, and what is refused."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nova.edge.actor import Actor
from nova.edge.edge_config import EdgeLimits
from nova.edge.tcp_stream_store import TcpStreamStore
from nova.sdk.protocol import messages
from nova.sdk.protocol.admin import (
    AddKey,
    ChangeUser,
    DeleteUser,
    KeyChanged,
    RevokeKey,
    UserChanged,
)
from nova.sdk.protocol.message import Filters, Message
from nova.sdk.protocol.messages import Auth, Authenticated, Error, StatusResponse
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
    TieTcpStream,
    UntieTcpStream,
)
from nova.testkit.ports import free_port
from tests.edge.peer import STATUS, Peer
from tests.edge.server import WAIT_S, EdgeClient, RunningEdge, running_edge

POLL_S = 0.02


def definition(name: str, **members: Any) -> TcpStreamDefinition:
    return TcpStreamDefinition(**{"name": name, "port": free_port(), **members})


async def create(client: EdgeClient, name: str, **members: Any) -> TcpStreamInfo:
    request = CreateTcpStream(definition=definition(name, **members))
    return await changed(client, request)


async def changed(client: EdgeClient, request: Message) -> TcpStreamInfo:
    """The stream after a change."""
    reply = await client.request(request, TcpStreamChanged)
    assert reply.stream is not None
    return reply.stream


async def names(client: EdgeClient) -> list[str]:
    listed = await client.request(ListStreams(), StreamsResponse)
    assert listed.setup.streams == len(listed.streams)
    return [one.definition.name for one in listed.streams]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def recorded(edge: RunningEdge) -> list[tuple[str, str, str]]:
    """Who did what to which stream, of all that waits for the Core."""
    entries = (queued.entry for queued in edge.stores.audit.first())
    done = ((one.principal, str(one.details.get("action")), one.details) for one in entries)
    return [(who, what, str(on["target"])) for who, what, on in done if "TcpStream" in what]


async def test_a_stream_lives_from_create_to_delete(edge: RunningEdge) -> None:
    """It listens when it should, and each step is one audit entry."""
    edge.add_user("ann")
    async with edge.client("ann") as ann:
        made = await create(ann, "down")
        port = made.definition.port
        assert made.listening and made.enabled and made.may_change and listens(port)
        assert (made.system_id, made.container_id, made.unique_id, made.entity_type) == (
            "tcpStream",
            "streams",
            made.stream_id,
            "tcp-stream",
        )
        tied = await changed(ann, TieTcpStream(stream_id=made.stream_id))
        assert tied.tied_here and tied.tied_by == "ann"
        untied = await changed(ann, UntieTcpStream(stream_id=made.stream_id))
        assert untied.tied_by is None and not untied.tied_here
        stopped = await changed(ann, StopTcpStream(stream_id=made.stream_id))
        assert not stopped.enabled and not stopped.listening and not listens(port)
        started = await changed(ann, StartTcpStream(stream_id=made.stream_id))
        assert started.listening and listens(port)
        other = definition("up", format="hierarchyPerMessage", with_address=True)
        edited = await changed(ann, EditTcpStream(stream_id=made.stream_id, definition=other))
        assert edited.definition == other and edited.created_by == "ann"
        assert listens(other.port) and not listens(port)
        same_port = msgspec.structs.replace(other, visibility="public")
        await changed(ann, EditTcpStream(stream_id=made.stream_id, definition=same_port))
        gone = await ann.request(DeleteTcpStream(stream_id=made.stream_id), TcpStreamChanged)
        assert gone.stream is None and not listens(other.port) and await names(ann) == []
        assert await ann.refusal(StopTcpStream(stream_id=made.stream_id)) == "notFound"
    assert [what for who, what, _ in recorded(edge) if who == "ann"] == [
        "createTcpStream",
        "tieTcpStream",
        "untieTcpStream",
        "stopTcpStream",
        "startTcpStream",
        "editTcpStream",
        "editTcpStream",
        "deleteTcpStream",
    ]


async def test_roles_see_and_change_what_is_theirs(edge: RunningEdge) -> None:
    """An admin all; an operator, or an admin with limits, the own ones; all see the public. A key
    counts as its role, and a public stream that names a hidden scope is hidden too.
    """
    for name, role in (("ann", "operator"), ("bob", "operator"), ("vic", "viewer")):
        edge.add_user(name, role)  # type: ignore[arg-type]
    edge.add_user("lim", "operator", scopes=["a"])
    edge.add_user("root", "admin", scopes=["b"])
    async with (
        edge.client() as admin,
        edge.client("ann") as ann,
        edge.client("bob") as bob,
        edge.client("vic") as viewer,
        edge.client("lim") as limited,
        edge.client("root") as limited_admin,
    ):
        private = await create(ann, "private")
        public = await create(ann, "public", visibility="public", filters=Filters(scope_ids=["b"]))
        assert await names(admin) == await names(ann) == ["private", "public"]
        assert await names(bob) == await names(viewer) == ["public"]
        assert await names(limited) == [] and await names(limited_admin) == ["public"]
        key = await admin.request(AddKey(name="probe", role="operator"), KeyChanged)
        async with edge.socket() as program:
            await program.request(Auth(token=str(key.secret)), Authenticated)
            await create(program, "of-key")
            assert await names(program) == ["of-key", "public"]
        for kind in (StopTcpStream, TieTcpStream, UntieTcpStream, DeleteTcpStream):
            assert await bob.refusal(kind(stream_id=private.stream_id)) == "notFound"
            assert await bob.refusal(kind(stream_id=public.stream_id)) == "forbidden"
            assert await viewer.refusal(kind(stream_id=public.stream_id)) == "forbidden"
        assert (await viewer.refusal(CreateTcpStream(definition=definition("v")))) == "forbidden"
        hidden = definition("lim", filters=Filters(scope_ids=["b"]))
        assert await limited.refusal(CreateTcpStream(definition=hidden)) == "forbidden"
        listed = await viewer.request(ListStreams(), StreamsResponse)
        assert not listed.setup.may_create and not listed.streams[0].may_change
        assert not (await changed(admin, StopTcpStream(stream_id=private.stream_id))).enabled
        over_http = await streams_by_http(edge, "vic")
        assert [one.definition.name for one in over_http.streams] == ["public"]
        assert over_http.setup.entity_type == "setup-streams"


async def streams_by_http(edge: RunningEdge, username: str) -> StreamsResponse:
    """What `GET /api/streams` says."""
    headers = {"Authorization": f"Bearer {await edge.token(username)}"}
    async with edge.http.get(f"{edge.url}/api/streams", headers=headers) as reply:
        assert reply.status == 200 and reply.headers["Cache-Control"] == "no-store"
        return msgspec.json.decode(await reply.read(), type=StreamsResponse)


SINGLE = Filters(system_id="s", container_id="c", unique_id="u")
PAYLOAD_ONLY: dict[str, Any] = {"format": "payloadOnly", "filters": SINGLE}
BAD: Sequence[tuple[dict[str, Any], str, str]] = (
    ({"name": "taken"}, "nameTaken", "'taken'"),
    ({"format": "payloadOnly"}, "badStream", "systemId, containerId, uniqueId"),
    ({"filters": Filters(system_id="tcpStream")}, "badStream", "cannot read streams"),
    ({"framing": "slip"}, "badStream", "framing slip is of payloadOnly"),
    ({"bind": "192.0.2.7"}, "badStream", "not an address of this machine"),
    ({"bind": "here"}, "badStream", "not an IP address"),
    ({"bind": "fe80::1%a\x00b"}, "badStream", "has a zone that no network interface can have"),
    ({"bind": "fe80::1%" + 70 * "é"}, "badStream", "has a zone that no network interface can have"),
    ({"bind": "::ffff:127.0.0.1"}, "badStream", "use 127.0.0.1"),
    ({"bind": "224.0.0.1"}, "badStream", "the address of many machines"),
)


@pytest.mark.parametrize(("members", "code", "reason"), BAD, ids=lambda one: str(one)[:32])
async def test_a_rule_is_the_same_at_create_and_at_edit(
    edge: RunningEdge, members: dict[str, Any], code: str, reason: str
) -> None:
    """With the reason, and nothing changes."""
    async with edge.client() as admin:
        await create(admin, "taken")
        mine = await create(admin, "mine")
        before, audited = edge.stores.streams.list_streams(), recorded(edge)
        bad = definition(**{"name": "new", **members})
        for request in (
            CreateTcpStream(definition=bad),
            EditTcpStream(stream_id=mine.stream_id, definition=bad),
        ):
            refused = await admin.request(request, Error)
            assert refused.code == code and reason in refused.message
        assert edge.stores.streams.list_streams() == before and recorded(edge) == audited
        assert listens(mine.definition.port)


async def test_a_port_is_free_and_not_the_edges_own(edge: RunningEdge) -> None:
    """Nor another stream's, which need not run; also when a stopped stream starts again."""
    own = int(edge.url.rpartition(":")[2])
    async with edge.client() as admin:
        other = await create(admin, "other")
        await changed(admin, StopTcpStream(stream_id=other.stream_id))
        with socket.create_server(("127.0.0.1", 0)) as program:
            taken = program.getsockname()[1]
            for port, reason in (
                (own, "the edge's own"),
                (taken, "taken by another program"),
                (other.definition.port, "belongs to the stream 'other'"),
            ):
                bad = definition("new", port=port)
                refused = await admin.request(CreateTcpStream(definition=bad), Error)
                assert refused.code == "portTaken" and reason in refused.message
        with socket.create_server(("127.0.0.1", other.definition.port)):
            start = StartTcpStream(stream_id=other.stream_id)
            assert await admin.refusal(start) == "portTaken"
        assert (await changed(admin, start)).listening


async def test_an_edit_of_the_address_alone_is_checked_with_the_port(edge: RunningEdge) -> None:
    """Against other programs and not against the stream itself, and what is accepted listens."""
    async with edge.client() as admin:
        mine = await create(admin, "mine")

        def edit(**members: Any) -> EditTcpStream:
            wanted = msgspec.structs.replace(mine.definition, **members)
            return EditTcpStream(stream_id=mine.stream_id, definition=wanted)

        with socket.create_server(("127.0.0.2", mine.definition.port)):
            for bind in ("127.0.0.2", "0.0.0.0"):
                assert await admin.refusal(edit(bind=bind)) == "portTaken"
            assert (await changed(admin, edit(visibility="public"))).listening
        for bind in ("0.0.0.0", "127.0.0.2", "::", "::1"):
            edited = await changed(admin, edit(bind=bind))
            assert edited.listening and edited.problem is None, bind


async def test_a_ground_archive_needs_a_scope(tmp_path: Path, peer: Peer) -> None:
    """The rule comes from the Core's status."""
    status = messages.decode_reply(STATUS)
    assert isinstance(status, StatusResponse)
    peer.status = messages.encode(msgspec.structs.replace(status, mode="ground"))
    async with running_edge(tmp_path, peer.socket) as edge, edge.client() as admin:
        lacking = CreateTcpStream(definition=definition("p", **PAYLOAD_ONLY))
        refused = await admin.request(lacking, Error)
        assert refused.code == "badStream" and "scopeId" in refused.message
        filters = msgspec.structs.replace(SINGLE, scope_ids=["sat"])
        assert (await create(admin, "p", format="payloadOnly", filters=filters)).listening


async def test_a_disabled_creator_stops_the_stream(edge: RunningEdge) -> None:
    """It says why, and runs again with the creator."""
    edge.add_user("ann")
    async with edge.client() as admin:
        async with edge.client("ann") as ann:
            made = await create(ann, "down")
        await admin.request(ChangeUser(username="ann", enabled=False), UserChanged)
        stopped = await becomes(admin, lambda one: not one.listening)
        assert stopped.enabled and stopped.problem is not None and "'ann'" in stopped.problem
        assert await admin.refusal(TieTcpStream(stream_id=made.stream_id)) == "badStream"
        await changed(admin, StopTcpStream(stream_id=made.stream_id))
        assert await admin.refusal(StartTcpStream(stream_id=made.stream_id)) == "badStream"
        await admin.request(ChangeUser(username="ann", enabled=True), UserChanged)
        assert (await changed(admin, StartTcpStream(stream_id=made.stream_id))).listening


async def test_a_later_user_of_the_name_has_nothing_of_it(edge: RunningEdge) -> None:
    """Nor a later key; an admin may still delete the stream."""
    edge.add_user("ann")
    async with edge.client() as admin:
        async with edge.client("ann") as ann:
            made = await create(ann, "of-user")
        key = await admin.request(AddKey(name="probe", role="operator"), KeyChanged)
        async with edge.socket() as program:
            await program.request(Auth(token=str(key.secret)), Authenticated)
            await create(program, "of-key")
        await admin.request(DeleteUser(username="ann"), UserChanged)
        await admin.request(RevokeKey(name="probe"), KeyChanged)
        edge.add_user("ann")
        key = await admin.request(AddKey(name="probe", role="operator"), KeyChanged)
        async with edge.client("ann") as ann, edge.socket() as program:
            await program.request(Auth(token=str(key.secret)), Authenticated)
            assert await names(ann) == await names(program) == []
        stopped = await becomes(admin, lambda one: not one.listening)
        assert stopped.problem is not None and "'probe'" in stopped.problem
        assert await admin.refusal(StartTcpStream(stream_id=made.stream_id)) == "badStream"
        await admin.request(DeleteTcpStream(stream_id=made.stream_id), TcpStreamChanged)


async def becomes(client: EdgeClient, condition: Callable[[TcpStreamInfo], bool]) -> TcpStreamInfo:
    """The first stream, once the condition holds."""
    async with asyncio.timeout(WAIT_S):
        while True:
            listed = await client.request(ListStreams(), StreamsResponse)
            if condition(listed.streams[0]):
                return listed.streams[0]
            await asyncio.sleep(POLL_S)


async def test_one_edge_serves_and_the_other_says_so(edge: RunningEdge, peer: Peer) -> None:
    """Changes at the other are applied by the one that serves."""
    folder = edge.config.data
    async with edge.client() as admin:
        made = await create(admin, "down")
    limits = EdgeLimits(streams_poll_s=POLL_S)
    async with (
        running_edge(folder, peer.socket, limits=limits) as other,
        other.client() as admin,
        edge.client() as first,
    ):
        listed = await admin.request(ListStreams(), StreamsResponse)
        assert not listed.served_here and edge.url in str(listed.server)
        assert listed.streams[0].enabled and not listed.streams[0].listening
        refused = await admin.request(TieTcpStream(stream_id=made.stream_id), Error)
        assert refused.code == "servedElsewhere" and edge.url in refused.message
        await changed(admin, StopTcpStream(stream_id=made.stream_id))
        await becomes(first, lambda one: not one.listening)
        await changed(admin, StartTcpStream(stream_id=made.stream_id))
        assert (await becomes(first, lambda one: one.listening)).problem is None


async def test_what_is_stored_runs_with_the_next_edge(tmp_path: Path, peer: Peer) -> None:
    """Also what another program added, before or meanwhile; it ends with the edge."""
    by = Actor("root", "local")
    with TcpStreamStore(tmp_path / "edge") as streams:
        before = streams.add(definition("before"), by, enabled=True)
        async with running_edge(tmp_path, peer.socket) as edge, edge.client() as admin:
            assert (await becomes(admin, lambda one: one.listening)).created_by == "root"
            streams.add(definition("added"), by, enabled=True)
            await becomes(admin, lambda one: one.definition.name == "added" and one.listening)
    assert not listens(before.definition.port)
