"""Manifests in pages of `discover`: all of them, within the bounds of every other reply."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.errors import RequestError
from nova.core.query.manifest_page import is_manifest_key, manifest_page
from nova.core.query.memory_budget import SMALL_BYTES
from nova.core.query.page import PAGE_MAX_BYTES
from nova.sdk.client.client import Client
from nova.sdk.errors import ProtocolError
from nova.sdk.manifests.manifest import CardManifest, KeySpec
from nova.sdk.manifests.manifest_files import ManifestFile
from nova.sdk.protocol.messages import Discover, DiscoverResponse, Filters, Query, QueryResponse
from nova.sdk.settings import Settings
from tests.core.conftest import Make
from tests.core.running import running_core

KEYS = 4_000


def manifest(number: int, keys: int = 1) -> CardManifest:
    """A manifest of about 110 bytes per key."""
    specs = {f"k{key}": KeySpec(type="number", title="t" * 80) for key in range(keys)}
    return CardManifest(
        manifest_id=f"m{number // 3}",
        manifest_version=f"1.0.{number}",
        view_id=f"v{number}",
        entity_type="e",
        title="T",
        allowed_keys=specs,
    )


def large_files(count: int) -> list[ManifestFile]:
    """Manifests of which two do not fit on one page of a small reply."""
    return [ManifestFile(Path(f"m{n}.manifest.py"), manifest(n, KEYS)) for n in range(count)]


@given(st.integers(0, 12), st.integers(0, 1_500), st.integers(0, 12))
def test_pages_make_up_the_whole(count: int, max_bytes: int, early: int) -> None:
    """Whatever the size of a page, and also when another manifest becomes known meanwhile: none of
    those that existed is left out or repeated.
    """
    known = [manifest(number) for number in range(count)]
    newer = manifest(100)
    found: list[bytes] = []
    after: str | None = None
    while True:
        page = manifest_page(known, after, max_bytes)
        assert sum(map(len, page.manifests[:-1])) < max(max_bytes, 1)
        found += page.manifests
        if page.next_key is None:
            break
        assert page.manifests and is_manifest_key(page.next_key)
        after = page.next_key
        if newer not in known:
            known.insert(min(early, len(known)), newer)
    names = [msgspec.json.decode(one, type=CardManifest).manifest_version for one in found]
    assert [name for name in names if name != "1.0.100"] == [f"1.0.{n}" for n in range(count)]


@pytest.mark.parametrize("key", ["|", "|1.0.9|m0", "|1.0.0"])
def test_a_key_that_names_no_manifest_is_refused(key: str) -> None:
    """Never read as another place."""
    with pytest.raises(RequestError, match="afterKey"):
        manifest_page([manifest(0)], key, 100)


async def test_many_manifests_come_on_many_pages(data: Path, record: Make) -> None:
    """A discover with all of them would exceed the frame limit. A client gets all manifests, and
    every entity, in pages.
    """
    settings = Settings(data=str(data), scope="sat")
    async with running_core(settings, large_files(8)) as core:
        await core.publish([record(n, unit=f"u{n}") for n in range(3)])
        one_bytes = len(msgspec.json.encode(manifest(0, KEYS)))
        async with core.frames() as frames, await Client.to_core(data) as client:
            await core.settled(client, 8 + 3)
            for limit, page_bytes in ((1, SMALL_BYTES), (1_000, PAGE_MAX_BYTES)):
                await frames.send(Discover(limit=limit))
                frame = await frames.socket.receive(timeout=20)
                assert len(frame.data) < page_bytes + 2 * one_bytes
                whole = await client.discover(Discover(limit=limit))
                assert sorted(m.manifest_version for m in whole.manifests) == [
                    f"1.0.{number}" for number in range(8)
                ]
                units = [entity.unique_id for entity in whole.entities]
                assert units == ["u0", "u1", "u2"]
                entities = await client.discover(Discover(limit=limit, manifests=False))
                assert not entities.manifests and entities.entities == whole.entities


async def test_a_large_manifest_holds_budget_of_its_size(data: Path, record: Make) -> None:
    """Also where little was asked for, so that clients that do not read replies with one large item
    take no more memory than others. Small replies do not wait for it.
    """
    settings = Settings(data=str(data), scope="sat", answers_mib=4)
    files = [ManifestFile(Path("m0.manifest.py"), manifest(0, 2 * KEYS))]
    async with running_core(settings, files) as core, AsyncExitStack() as stack:
        await core.publish([record(0)])
        client = await stack.enter_async_context(await Client.to_core(data))
        await core.settled(client, 2)
        for _ in range(5):
            hoarder = await stack.enter_async_context(core.frames())
            transport = hoarder.socket._writer.transport  # noqa: SLF001
            transport.pause_reading()
            stack.callback(transport.abort)
            await hoarder.send(Discover(limit=1))
        client.busy_limit_s = 0
        with pytest.raises(ProtocolError, match="busy"):
            async with asyncio.timeout(20):
                while True:
                    await client.request(Discover(limit=1), DiscoverResponse)
        small = Query(limit=5, filters=Filters(lanes=["parsed"]))
        assert (await client.request(small, QueryResponse)).events
