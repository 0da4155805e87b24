"""The reject log in pages: complete, whatever the size of its records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.commit_feed import CommitFrame
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.rejects import RAW_SHOWN_BYTES, rejects
from nova.core.store.catalog import Reject, decode_reject, encode_reject
from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Rejects, RejectsResponse
from nova.sdk.transport.base import Record
from tests.core.running import Core

Commit = Callable[[Sequence[Record]], CommitFrame]
BIG_BYTES = 2 * 1024 * 1024
ADDRESS = "nova.sat.raw.a.b.c.v1"


def junk(count: int, size: int = 10) -> list[Record]:
    """Records that are refused, each with other bytes."""
    return [Record(ADDRESS, b"%06d" % number + b"x" * size) for number in range(count)]


async def pages(view: ArchiveSnapshot, **bounds: int) -> list[RejectsResponse]:
    """All pages of the log."""
    found = [await rejects(view, Rejects(limit=7), **bounds)]
    while found[-1].next_after is not None:
        found.append(await rejects(view, Rejects(limit=7, after=found[-1].next_after), **bounds))
    return found


@pytest.mark.parametrize("bounds", [{}, {"max_bytes": 1_000}, {"read_max_bytes": 1}])
async def test_pages_make_up_the_log(
    view: ArchiveSnapshot, commit: Commit, bounds: dict[str, int]
) -> None:
    """Whatever ends a page: its entries, its bytes, or what had to be read for it."""
    commit(junk(30))
    view.refresh()
    found = await pages(view, **bounds)
    assert [one.number for page in found for one in page.rejects] == list(range(30))
    assert all(page.rejects and page.total == 30 for page in found)
    for page in found:
        size = sum(len(msgspec.json.encode(one)) for one in page.rejects[:-1])
        assert size < bounds.get("max_bytes", 512 * 1024)


async def test_large_records_do_not_hold_up_others(view: ArchiveSnapshot, commit: Commit) -> None:
    """Sockets are served between any two of them, and only their beginning is shown."""
    commit(junk(8, BIG_BYTES))
    view.refresh()
    turns = 0

    async def serve() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    serving = asyncio.create_task(serve())
    page = await rejects(view, Rejects(limit=8))
    serving.cancel()
    assert turns >= 8
    for number, one in enumerate(page.rejects):
        assert one.size == BIG_BYTES + 6
        assert one.raw == (b"%06d" % number).ljust(RAW_SHOWN_BYTES, b"x")


async def test_a_client_gets_as_many_as_it_asks_for(core: Core) -> None:
    """Though each reply is bounded: 300 entries with 4 KiB each take several."""
    await core.publish(junk(300, RAW_SHOWN_BYTES))
    async with await Client.to_core(core.data) as client:
        async with asyncio.timeout(20):
            while (await client.status()).rejects < 300:
                await asyncio.sleep(0.01)
        first = await client.request(Rejects(limit=290), RejectsResponse)
        assert 0 < len(first.rejects) < 290 and first.next_after == first.rejects[-1].number
        found = await client.rejects(Rejects(limit=290))
        assert [one.number for one in found.rejects] == list(range(290))
        assert found.next_after == 289
        rest = await client.rejects(Rejects(limit=290, after=289))
        assert [one.number for one in rest.rejects] == list(range(290, 300))
        assert rest.next_after is None


@given(st.sampled_from([0, 1, 255, 256, 4_095, 4_097, 65_535, 65_536]), st.integers(0, 5_000))
def test_what_is_shown_of_a_record_is_its_beginning(size: int, shown: int) -> None:
    """However long it is, which decides how MessagePack writes it."""
    raw = bytes(number % 251 for number in range(size))
    reject = Reject(
        canonical_ns=1,
        code="c",
        member="m",
        reason="r",
        link="l",
        position="p",
        address=None,
        size=size,
        raw=raw,
    )
    value = encode_reject(reject)
    assert decode_reject(value) == reject
    assert decode_reject(value, shown) == msgspec.structs.replace(reject, raw=raw[:shown])
