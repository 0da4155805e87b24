"""How many TCP streams there may be, and how large: their list always fits into a frame."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from nova.edge.access import Access
from nova.edge.actor import Actor
from nova.edge.edge_config import EdgeLimits
from nova.edge.streams_command import streams as streams_command
from nova.edge.tcp_limits import TcpLimits
from nova.edge.tcp_stream_info import stream_info
from nova.edge.tcp_stream_rules import DEFINITION_MAX_BYTES, check_definition
from nova.edge.tcp_stream_store import StoredStream, TcpStreamStore
from nova.edge.tcp_stream_supervisor import running_max
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.messages import FRAME_MAX_BYTES
from nova.sdk.protocol.tcp_streams import (
    ListStreams,
    StreamsResponse,
    TcpStreamDefinition,
    TcpStreamInfo,
)
from nova.testkit.ports import free_port
from tests.edge.peer import Peer
from tests.edge.server import PASSWORD, WAIT_S, EdgeClient, running_edge

ADMIN = Access("admin", "user", "admin", float("inf"))
ROOT = Actor("root", "local")
FIRST_PORT = 20_000


def definition(number: int, types: list[str] | None = None) -> TcpStreamDefinition:
    filters = Filters(message_types=types)
    return TcpStreamDefinition(name=f"s{number}", port=FIRST_PORT + number, filters=filters)


def test_as_many_and_as_large_as_there_may_be_fit_into_a_frame() -> None:
    """The largest definition that keeps the rules, as often as there may be streams."""
    limits = TcpLimits()
    largest, more = definition(1), definition(1)
    while True:
        filters = Filters(message_types=[*(more.filters.message_types or []), "M" * 84])
        more = msgspec.structs.replace(more, filters=filters)
        if len(msgspec.json.encode(more)) > DEFINITION_MAX_BYTES:
            break
        largest = more
    check_definition(largest, is_ground=False)
    info = stream_info(ADMIN, StoredStream("0" * 12, largest, True, 1.0, "a" * 64, "user"))
    info.problem = "p" * 1_000
    assert len(msgspec.json.encode(info)) * limits.streams_max < limits.list_max_bytes
    assert 2 * limits.list_max_bytes < FRAME_MAX_BYTES


def test_creators_and_archives_have_limits(tmp_path: Path) -> None:
    """With the rule, and nothing changes; what is deleted makes room. Users of one name are two."""
    limits = TcpLimits(streams_max=3, streams_per_creator_max=2)
    ann = Actor("ann", "user")
    with TcpStreamStore(tmp_path, limits=limits) as store:
        first = store.add(definition(1), ann, "id1", enabled=False)
        store.add(definition(2), ann, "id1", enabled=False)
        with pytest.raises(ProtocolError, match=r"'ann' has created 2 .* limit .* 2") as refused:
            store.add(definition(3), ann, "id1", enabled=False)
        assert refused.value.code == "tooManyTcpStreams"
        store.add(definition(3), ann, "id2", enabled=False)
        with pytest.raises(ProtocolError, match="archive has 3 TCP streams, the limit is 3"):
            store.add(definition(4), ROOT, enabled=False)
        assert len(store.list_streams()) == 3
        store.delete(first.id, ROOT)
        store.add(definition(4), ROOT, enabled=False)


def test_streams_leave_files_to_the_rest_of_the_edge() -> None:
    assert running_max(256, resource.RLIM_INFINITY) == running_max(256, 20_000) == 256
    assert running_max(256, 400) == 100


async def test_an_edge_runs_no_more_than_it_may(tmp_path: Path, peer: Peer) -> None:
    """Whatever the store has: the first ones run, the others say why not; the next has room when
    one stops.
    """
    with TcpStreamStore(tmp_path / "edge") as store:
        made = [
            store.add(TcpStreamDefinition(name=name, port=free_port()), ROOT, enabled=True)
            for name in ("c", "b", "a")
        ]
        limits = EdgeLimits(streams_poll_s=0.02, tcp=TcpLimits(streams_max=2))
        async with running_edge(tmp_path, peer.socket, limits=limits) as edge, edge.client() as one:
            listed = await until(one, lambda now: [s.listening for s in now] == [False, True, True])
            assert "runs 2 streams" in str(listed[0].problem)
            store.delete(made[0].id, ROOT)
            await until(one, lambda now: [s.listening for s in now] == [True, True])


async def until(client: EdgeClient, condition: Callable[..., bool]) -> list[TcpStreamInfo]:
    """The streams, once a condition holds for them."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = (await client.request(ListStreams(), StreamsResponse)).streams
            if condition(found):
                return found
            await asyncio.sleep(0.02)


async def test_streams_of_before_the_limits_can_be_listed_and_deleted(
    tmp_path: Path, peer: Peer
) -> None:
    """Fewer than there are, and it says so; each is found by its name, at the edge too."""
    large = ["M" * 60] * 950
    with TcpStreamStore(tmp_path / "edge") as store:
        for number in range(9):
            store.add(definition(number, large), ROOT, enabled=False)
    limits = EdgeLimits(tcp=TcpLimits(list_max_bytes=300_000))
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge, edge.client() as admin:
        await admin.send(ListStreams())
        frame = await admin.frame()
        listed = msgspec.json.decode(frame, type=StreamsResponse)
        assert len(frame) < 310_000 and len(listed.streams) == 4
        assert listed.streams_left_out == 5 and listed.setup.streams == 9
        last = await admin.request(ListStreams(name="s8"), StreamsResponse)
        assert [one.definition.name for one in last.streams] == ["s8"]
        at = ["--url", edge.url, "--user", "admin"]
        env = {"NOVA_PASSWORD": PASSWORD}
        table = await asyncio.to_thread(CliRunner().invoke, streams_command, ["list", *at], env=env)
        assert "5 more streams are not listed" in table.stderr
        gone = ["rm", "s8", *at]
        result = await asyncio.to_thread(CliRunner().invoke, streams_command, gone, env=env)
        assert result.exit_code == 0, result.exception
        assert edge.stores.streams.get(last.streams[0].stream_id) is None
