"""Publishers over the local transport that do not read their replies do not delay others."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.sdk.channel import ChannelError
from nova.sdk.native import native_part
from nova.sdk.transport.base import Batch, Receipt, Record, Rejection, Subscription
from nova.sdk.transport.local import LocalLimits, LocalTransport
from nova.sdk.transport.local_publishers import (
    PUBLISH_FRAMES,
    PublishFrame,
    ReplyLimits,
    read_frame,
)
from tests.core.commanding import WAIT_S
from tests.sdk.events.mutated_records import needs_native

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
REFUSED = [Rejection(place, "malformed", "", "r" * 1_000) for place in range(5_000)]
"""An answer that no socket has room for while nobody reads."""


def published(ref: int, value: bytes) -> bytes:
    """A publish of one short record as a client sends it, with a mask of zeros."""
    payload = msgspec.msgpack.encode([ref, [[None, value]]])
    return bytes([0x82, 0x80 | len(payload), 0, 0, 0, 0]) + payload


class ReceivingCore:
    """Takes what is published, and refuses at length what is `deaf`."""

    def __init__(self, path: Path, limits: ReplyLimits) -> None:
        self.path = path
        self.transport = LocalTransport(f"local://{path}", LocalLimits(replies=limits))
        self.seen: list[Batch] = []

    async def take(self) -> None:
        """Consume and acknowledge for ever."""
        async for batch in self.transport.consume(Subscription(), {}):
            self.seen.append(batch)
            await self.transport.acknowledge(batch, self._answer(batch))

    def _answer(self, batch: Batch) -> Receipt:
        if batch.records[0].value == b"deaf":
            return Receipt(0, 0, REFUSED)
        return Receipt(new=len(batch.records))

    def deaf(self) -> int:
        """How many publishes of the deaf have come."""
        return sum(batch.records[0].value == b"deaf" for batch in self.seen)


@asynccontextmanager
async def running(path: Path, limits: ReplyLimits) -> AsyncIterator[ReceivingCore]:
    """A Core that listens."""
    core = ReceivingCore(path, limits)
    taking = asyncio.create_task(core.take())
    try:
        await until(lambda: core.transport.state().connected)
        yield core
    finally:
        taking.cancel()
        await asyncio.wait((taking,))
        await core.transport.close()


async def until(condition: object) -> None:
    """Wait for a condition."""
    assert callable(condition)
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where they meet."""
    return tmp_path / "x.sock"


async def test_others_are_answered_while_one_reads_nothing(path: Path) -> None:
    """Before, all answers waited behind one: here it is not even sent away."""
    never = ReplyLimits(timeout_s=3_600.0)
    other = LocalTransport(f"local://{path}")
    async with running(path, never) as core:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(str(path))
            deaf.sendall(UPGRADE + published(1, b"deaf"))
            await until(core.deaf)
            async with asyncio.timeout(WAIT_S):
                for number in range(200):
                    assert (await other.publish([Record(None, b"%d" % number)])).new == 1
            assert deaf.fileno() >= 0 and core.transport.state().warnings == ()
    await other.close()


async def test_who_leaves_much_unread_is_not_read_from(path: Path) -> None:
    """What it publishes further stays in its own socket, until it has read."""
    limits = ReplyLimits(unread_max_bytes=1_000_000, timeout_s=3_600.0)
    other = LocalTransport(f"local://{path}")
    async with running(path, limits) as core:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(str(path))
            deaf.sendall(UPGRADE + published(1, b"deaf"))
            await until(core.deaf)
            deaf.sendall(published(2, b"deaf"))
            await other.publish([Record(None, b"other")])  # Long enough to have come, if it could.
            await other.publish([Record(None, b"other")])
            assert core.deaf() == 1
            deaf.setblocking(False)
            reading = asyncio.create_task(read_on(deaf))
            await until(lambda: core.deaf() == 2)
            reading.cancel()
            await asyncio.wait((reading,))
    await other.close()


async def acknowledge_all(core: LocalTransport, batches: AsyncIterator[Batch]) -> None:
    """Acknowledge what comes."""
    async for batch in batches:
        await core.acknowledge(batch, Receipt(new=len(batch.records)))


async def test_publishers_take_turns_by_records(path: Path) -> None:
    """Of one with large frames no more than `records_max` and a frame are under way, so another's
    publish is delivered behind those; before, it was behind as many frames as the queue holds.
    """
    core = LocalTransport(f"local://{path}", LocalLimits(replies=ReplyLimits(records_max=50)))
    large, other = (LocalTransport(f"local://{path}") for _ in range(2))
    batches = core.consume(Subscription(), {})
    first = asyncio.ensure_future(anext(batches))
    await until(lambda: core.state().connected)
    frames = [asyncio.create_task(large.publish([Record(None, b"large")] * 20)) for _ in range(30)]
    async with asyncio.timeout(WAIT_S):
        came = [await first, await anext(batches), await anext(batches)]
        small = asyncio.create_task(other.publish([Record(None, b"small")]))
        came.append(await anext(batches))
        assert [len(batch.records) for batch in came] == [20, 20, 20, 1]
        assert not any(task.done() for task in frames)
        for batch in came:
            await core.acknowledge(batch, Receipt(new=len(batch.records)))
        rest = asyncio.create_task(acknowledge_all(core, batches))
        assert (await small).new == 1
        assert sum([(await frame).new for frame in frames]) == 600
    rest.cancel()
    await asyncio.wait((rest,))
    for transport in (large, other, core):
        await transport.close()


async def test_who_is_owed_many_answers_is_not_read_from(path: Path) -> None:
    """A Core that cannot keep up is not filled with the publishes of one."""
    other = LocalTransport(f"local://{path}")
    core = LocalTransport(f"local://{path}", LocalLimits(replies=ReplyLimits(pending_max=3)))
    batches = core.consume(Subscription(), {})
    publishing = [asyncio.create_task(_publish_when_open(other, n)) for n in range(9)]
    first = [await anext(batches) for _ in range(3)]
    fourth = asyncio.ensure_future(anext(batches))
    await asyncio.wait((fourth,), timeout=0.2)
    assert not fourth.done()
    for batch in first:
        await core.acknowledge(batch, Receipt(new=1))
    await core.acknowledge(await fourth, Receipt(new=1))
    for _ in range(5):
        await core.acknowledge(await anext(batches), Receipt(new=1))
    assert [receipt.new for receipt in await asyncio.gather(*publishing)] == [1] * 9
    await other.close()
    await core.close()


async def _publish_when_open(transport: LocalTransport, number: int) -> Receipt:
    while not await asyncio.to_thread(Path(transport.link.removeprefix("local://")).exists):
        await asyncio.sleep(0.01)
    return await transport.publish([Record(None, b"%d" % number)])


async def test_who_takes_no_answer_is_disconnected_and_named(path: Path) -> None:
    """Nobody is sent away in silence: the link says who it was, and why."""
    other = LocalTransport(f"local://{path}")
    async with running(path, ReplyLimits(timeout_s=0.1)) as core:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(str(path))
            deaf.sendall(UPGRADE + published(1, b"deaf"))
            await until(lambda: core.transport.state().warnings)
            [warning] = core.transport.state().warnings
            assert f"process {os.getpid()} has not read a reply for 0.1 s" in warning
            deaf.setblocking(False)
            async with asyncio.timeout(WAIT_S):
                await read_on(deaf)
        assert (await other.publish([Record(None, b"after")])).new == 1
    await other.close()


async def read_on(peer: socket.socket) -> None:
    """Read until the other side ends the connection."""
    loop = asyncio.get_running_loop()
    try:
        while await loop.sock_recv(peer, 1_000_000):
            pass
    except ConnectionError:
        pass


async def test_what_was_acknowledged_is_answered_before_a_core_ends(path: Path) -> None:
    """An answer that is on its way to a publisher is not lost with the Core that gave it."""
    other = LocalTransport(f"local://{path}")
    core = LocalTransport(f"local://{path}")
    batches = core.consume(Subscription(), {})
    publishing = asyncio.create_task(_publish_when_open(other, 1))
    await core.acknowledge(await anext(batches), Receipt(new=1))
    await core.close()
    assert (await publishing).new == 1
    await other.close()


texts = st.none() | st.text(max_size=40)
payloads = st.binary(max_size=300)
publishes = st.tuples(
    st.sampled_from((0, 127, 128, 255, 256, 65_535, 65_536, 2**32, 2**63 - 1, -1, -200)),
    st.lists(st.tuples(texts, payloads), max_size=20),
)


@needs_native
@given(publishes, st.data())
@settings(deadline=None)
def test_the_native_part_reads_frames_alike(
    publish: tuple[int, list[tuple[str | None, bytes]]], data: st.DataObject
) -> None:
    """AMB-33: whole ones, and with a byte changed, removed or added."""
    frame = PUBLISH_FRAMES.encode(PublishFrame(*publish))
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(frame)))
        more = data.draw(st.binary(max_size=2))
        frame = frame[:place] + more + frame[place + data.draw(st.integers(0, 2)) :]
    found, expected = (_read(frame, wanted) for wanted in ("1", "0"))
    assert found == expected


def _read(frame: bytes, wanted: str) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOVA_NATIVE", wanted)
        try:
            ref, records = read_frame(frame)
        except ChannelError as error:
            return str(error)
    assert [records[place] for place in range(-len(records), 0)] == list(records)
    assert list(records[1:]) == list(records)[1:] and records[::-2] == list(records)[::-2]
    return ref, list(records), [type(record) for record in records]


@needs_native
@pytest.mark.parametrize("count", [15, 16, 65_536])
def test_large_frames_need_no_python(count: int) -> None:
    """The native part is sure of whatever a publisher of NOVA sends."""
    native = native_part()
    assert native is not None
    sent: list[tuple[str | None, bytes]] = [(None, b""), ("a" * 31, b"x" * 255)]
    sent += [("é" * 40, b"x" * 256), ("a" * 300, b"x" * 65_536)]
    sent += [("a", b"b")] * (count - len(sent))
    found = native.publish_frame(PUBLISH_FRAMES.encode(PublishFrame(7, sent)), Record)
    assert found is not None
    assert found[0] == 7 and list(found[1]) == [Record(*one) for one in sent]
    with pytest.raises(IndexError):
        found[1][count]
