"""Answers of several pages whose reader fails, edge stops or client leaves; a played reader."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pyarrow
import pytest

from nova.edge.edge_config import EdgeLimits
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Error, Query
from tests.edge.peer import Peer, PeerConnection
from tests.edge.server import RunningEdge, running_edge

PAGE_EVENTS = 1_000
ASKED = "/api/v1/query?limit=all"


def page(number: int, next_key: str | None) -> bytes:
    """A page of events as a reader writes it."""
    events = [event(number * PAGE_EVENTS + place) for place in range(PAGE_EVENTS)]
    return messages.events_frame(
        "queryResponse", None, events, {} if next_key is None else {"nextKey": next_key}
    )


def event(number: int) -> bytes:
    return (
        b'{"eventId":"%064x","scopeId":"s","lane":"parsed","systemId":"a","containerId":"b",'
        b'"uniqueId":"c","sourceTruthTime":"2026-01-01T00:00:00.%09dZ","messageType":"T",'
        b'"schemaVersion":"1","payload":{"n":%d},'
        b'"canonicalTruthTime":"2026-01-01T00:00:01.%09dZ"}' % ((number,) * 4)
    )


def refused(code: str, retry_after_ms: int | None = None) -> bytes:
    return messages.encode(Error(code=code, message="why", retry_after_ms=retry_after_ms))


@dataclass
class Begun:
    """An answer whose first page is on its way, and the reader's side of it."""

    reply: aiohttp.ClientResponse
    reader: PeerConnection

    async def asked(self) -> str | None:
        """The key of the page that the edge asks for next."""
        request = await self.reader.take()
        assert isinstance(request, Query) and request.limit == 10_000
        return request.after_key


@asynccontextmanager
async def begun(
    edge: RunningEdge, peer: Peer, kind: str = "ndjson", user: str = "admin"
) -> AsyncIterator[Begun]:
    """An answer of all pages that has begun with one of several."""
    headers = {"Authorization": f"Bearer {await edge.token(user)}"}
    asking = asyncio.ensure_future(
        edge.http.get(f"{edge.url}{ASKED}&format={kind}", headers=headers)
    )
    reader = await peer.connection()
    await reader.take()
    await reader.send(page(0, "aa"))
    async with await asking as reply:
        assert reply.status == 200
        yield Begun(reply, reader)


async def received(reply: aiohttp.ClientResponse) -> bytes:
    """What came of an answer that is cut."""
    found = b""
    with pytest.raises(aiohttp.ClientPayloadError):
        async for block in reply.content.iter_any():
            found += block
    return found


async def test_lines_say_why_they_end(edge: RunningEdge, peer: Peer) -> None:
    """Behind whole lines, with the key to continue; HTTP says that it is not whole."""
    async with begun(edge, peer) as answer:
        assert await answer.asked() == "aa"
        await answer.reader.send(page(1, "bb"))
        assert await answer.asked() == "bb"
        await answer.reader.send(refused("givenBack"))
        *lines, last = (await received(answer.reply)).splitlines()
    assert lines == [event(number) for number in range(2 * PAGE_EVENTS)]
    error = json.loads(last)["error"]
    assert (error["code"], error["message"], error["afterKey"]) == ("givenBack", "why", "bb")


async def test_each_format_says_why_it_ends(edge: RunningEdge, peer: Peer) -> None:
    """As a member, as a last line, or as the metadata of a last batch."""
    found = {}
    for kind in ("json", "csv", "arrow"):
        async with begun(edge, peer, kind) as answer:
            await answer.asked()
            await answer.reader.send(refused("archive"))
            found[kind] = await received(answer.reply)
    whole = json.loads(found["json"])
    assert len(whole["events"]) == PAGE_EVENTS and whole["error"]["afterKey"] == "aa"
    assert found["csv"].splitlines()[-1].startswith(b"error,archive,why,aa,")
    stream = pyarrow.ipc.open_stream(found["arrow"])
    assert stream.read_next_batch().num_rows == PAGE_EVENTS
    batch, metadata = stream.read_next_batch_with_custom_metadata()
    assert batch.num_rows == 0 and json.loads(metadata[b"error"])["code"] == "archive"


async def test_what_is_transient_is_waited_for(edge: RunningEdge, peer: Peer) -> None:
    """A reader that is busy, or has gone and is back, costs no event."""
    async with begun(edge, peer) as answer:
        assert await answer.asked() == "aa"
        await answer.reader.send(refused("busy", retry_after_ms=1))
        assert await answer.asked() == "aa"
        answer.reader.abort()
        again = Begun(answer.reply, await peer.connection())
        assert await again.asked() == "aa"
        await again.reader.send(page(1, None))
        body = await answer.reply.read()
    assert body.splitlines() == [event(number) for number in range(2 * PAGE_EVENTS)]


async def test_an_edge_that_stops_says_where_to_continue(edge: RunningEdge, peer: Peer) -> None:
    """A long answer ends behind the page that is being sent, and the edge does not wait longer."""
    async with begun(edge, peer) as answer:
        assert await answer.asked() == "aa"
        draining = asyncio.create_task(edge.served.drain())
        await asyncio.sleep(0)
        await answer.reader.send(page(1, "bb"))
        *lines, last = (await received(answer.reply)).splitlines()
        await draining
    error = json.loads(last)["error"]
    assert (error["code"], error["afterKey"]) == ("shuttingDown", "bb")
    assert len(lines) == 2 * PAGE_EVENTS


async def test_who_is_shut_out_gets_no_further_page(tmp_path: Path, peer: Peer) -> None:
    """As on a WebSocket: the answer ends with the next page, whoever asked for it before."""
    async with running_edge(tmp_path, peer.socket, limits=EdgeLimits(access_cache_s=0)) as edge:
        edge.add_user("ann", "viewer")
        async with begun(edge, peer, user="ann") as answer:
            await answer.asked()
            edge.users.set_enabled("ann", False)
            await answer.reader.send(page(1, "bb"))
            *lines, last = (await received(answer.reply)).splitlines()
    assert json.loads(last)["error"]["code"] == "unauthorized"
    assert len(lines) == 2 * PAGE_EVENTS


async def test_a_first_page_that_is_refused_is_an_error(edge: RunningEdge, peer: Peer) -> None:
    """With its status, and when to ask again."""
    headers = {"Authorization": f"Bearer {await edge.token()}"}
    for code, status in (("busy", 503), ("forbidden", 403), ("internal", 500), ("givenBack", 410)):
        asking = asyncio.ensure_future(edge.http.get(f"{edge.url}{ASKED}", headers=headers))
        reader = await peer.connection()
        await reader.take()
        await reader.send(refused(code, retry_after_ms=1_500))
        async with await asking as reply:
            assert (reply.status, (await reply.json())["code"]) == (status, code)
            assert reply.headers.get("Retry-After") == ("2" if status == 503 else None)
        await reader.wait_closed()


async def test_a_client_that_leaves_ends_the_reading(edge: RunningEdge, peer: Peer) -> None:
    """The reader's connection ends with it."""
    async with begun(edge, peer) as answer:
        answer.reply.close()
        number = 1
        while not answer.reader.closed.is_set():
            if answer.reader.requests.empty():
                await asyncio.sleep(0.01)
                continue
            await answer.asked()
            await answer.reader.send(page(number, f"{number:02x}"))
            number += 1


async def test_a_client_that_does_not_read_slows_the_reading(edge: RunningEdge, peer: Peer) -> None:
    """Sockets fill, and then no page is asked for until the client reads on."""
    host = edge.url.removeprefix("http://")
    client = http.client.HTTPConnection(host)
    client.request(
        "GET", f"{ASKED}&format=ndjson", headers={"Authorization": f"Bearer {await edge.token()}"}
    )
    reader = await peer.connection()
    pages = 0

    async def serve() -> None:
        nonlocal pages
        while True:
            await reader.take()
            last = pages == 199
            await reader.send(page(pages, None if last else "aa"))
            pages += 1
            if last:
                return

    serving = asyncio.create_task(serve())
    before = -1
    while before != pages:
        before = pages
        await asyncio.sleep(0.5)
    assert 0 < pages < 60
    body = await asyncio.to_thread(lambda: client.getresponse().read())
    await serving
    client.close()
    assert body.count(b"\n") == 200 * PAGE_EVENTS


async def test_answers_under_way_are_limited(tmp_path: Path, peer: Peer) -> None:
    """Of all pages, of one principal: the next one is refused until one ends; pages are not."""
    limits = EdgeLimits(answers_per_principal_max=1)
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge:
        headers = {"Authorization": f"Bearer {await edge.token()}"}
        async with begun(edge, peer) as answer:
            async with edge.http.get(f"{edge.url}{ASKED}", headers=headers) as reply:
                assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
            asking = asyncio.ensure_future(
                edge.http.get(f"{edge.url}/api/v1/query", headers=headers)
            )
            other = await peer.connection()
            await other.take()
            await other.send(page(0, None))
            async with await asking as reply:
                assert reply.status == 200
            await answer.asked()
            await answer.reader.send(page(1, None))
            await answer.reply.read()
        async with begun(edge, peer):
            pass


async def test_pages_of_allowed_origins_may_read(tmp_path: Path, peer: Peer) -> None:
    """They learn the headers of pages; others get nothing that a browser would let them read."""
    friend, stranger = {"Origin": "https://a.example"}, {"Origin": "https://b.example"}
    async with running_edge(tmp_path, peer.socket, cors_origins=("https://a.example",)) as edge:
        for path in ("status", "query", "openapi.json"):
            url = f"{edge.url}/api/v1/{path}"
            async with edge.http.get(url, headers=friend) as reply:
                assert reply.headers["Access-Control-Allow-Origin"] == friend["Origin"]
                assert "Nova-Next-Key" in reply.headers["Access-Control-Expose-Headers"]
                assert "Access-Control-Allow-Credentials" not in reply.headers
            async with edge.http.get(url, headers=stranger) as reply:
                assert "Access-Control-Allow-Origin" not in reply.headers
        async with edge.http.options(f"{edge.url}/api/v1/query", headers=friend) as reply:
            assert reply.status == 204
            assert reply.headers["Access-Control-Allow-Headers"].startswith("Authorization")
        async with edge.http.options(f"{edge.url}/api/v1/query", headers=stranger) as reply:
            assert reply.status == 403
        async with edge.http.get(f"{edge.url}/healthz", headers=friend) as reply:
            assert "Access-Control-Allow-Origin" not in reply.headers
