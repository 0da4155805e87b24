"""The host names of an edge: a page whose own name points here (DNS rebinding) reads nothing."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from nova.edge.hosts import HostFilter, host_name
from nova.edge.replies import Handler
from nova.sdk.errors import SettingsError
from nova.sdk.settings import host_names
from tests.edge.peer import Peer
from tests.edge.server import RunningEdge, running_edge

PATHS = ["/", "/metrics", "/healthz", "/readyz", "/exports/abc", "/ws", "/auth/login", "/nothing"]
EVIL = ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"]
MALFORMED = ["a@localhost", "localhost:port", "[::1", "localhost/x", "löcal", "2130706433"]


@pytest.mark.parametrize("host", EVIL + MALFORMED)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_another_name_is_answered_nowhere(edge: RunningEdge, host: str, method: str) -> None:
    """A rebound name reads no path, not even `/metrics`; the refusal names the setting."""
    for path in PATHS:
        # Written out, for what clients make of such names is not what is tested.
        answer = await asked(edge, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n")
        assert answer.startswith(b"HTTP/1.1 421 "), (path, answer)
        assert b"allowed_hosts" in answer and b"nova_events_total" not in answer


async def asked(edge: RunningEdge, head: str) -> bytes:
    """What the edge answers to a request that is written out."""
    address = edge.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(address[0], int(address[1]))
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


OWN = ["localhost", "LOCALHOST:1234", "localhost.", "nova.localhost", "[::1]:8800", "192.168.1.5"]


@pytest.mark.parametrize("host", [*OWN, "127.0.0.1", "127.9.9.9:1", socket.gethostname(), ""])
async def test_its_own_names_and_addresses_are_answered(edge: RunningEdge, host: str) -> None:
    """Whatever port a proxy, a tunnel or a container has given them."""
    assert (await asked(edge, f"GET /readyz HTTP/1.1\r\nHost: {host}\r\n")).startswith(
        b"HTTP/1.1 200 "
    )


async def test_a_probe_without_a_name_is_answered(edge: RunningEdge) -> None:
    """HTTP/1.0, as some balancers ask."""
    assert b" 200 " in await asked(edge, "GET /healthz HTTP/1.0\r\n")


async def test_names_that_were_given_are_answered(tmp_path: Path, peer: Peer) -> None:
    """A proxy's, over HTTP and on the socket; what only looks like one is not."""
    allowed = host_names(["Nova.Example.org.", "*.ops.example"])
    async with running_edge(tmp_path, peer.socket, allowed_hosts=allowed) as edge:
        for host in (
            "nova.example.org",
            "NOVA.example.org:443",
            "a.ops.example",
            "b.a.ops.example",
        ):
            headers = {"Host": host, "Origin": f"https://{host}"}
            async with edge.http.get(f"{edge.url}/readyz", headers=headers) as reply:
                assert reply.status == 200
            async with edge.socket(headers):
                pass
        for host in ("a.nova.example.org", "example.org", "ops.example", "xops.example", "nova"):
            headers = {"Host": host}
            async with edge.http.get(f"{edge.url}/readyz", headers=headers) as reply:
                assert reply.status == 421
            with pytest.raises(aiohttp.WSServerHandshakeError, match="421"):
                async with edge.socket(headers):
                    pass


def test_the_name_that_it_listens_on_is_its_own() -> None:
    """And any name is, where that was asked for."""
    assert HostFilter("Nova.example.org", ()).allows("nova.example.org")
    assert not HostFilter("127.0.0.1", ()).allows("nova.example.org")
    assert HostFilter("127.0.0.1", ("*",)).allows("nova.example.org")


@pytest.mark.parametrize(
    ("host", "name"),
    [("A.b:1", "a.b"), ("[FE80::1]:2", "fe80::1"), ("a.", "a"), ("", ""), ("a b", None), (":", "")],
)
def test_a_name_is_what_stands_before_the_port(host: str, name: str | None) -> None:
    """In small letters, without a last dot."""
    assert host_name(host) == name


@pytest.mark.parametrize(
    "text",
    ["https://a.example", "a.example:443", "a/b", "", "*.", "*a.example", "ä.example", "a..b"],
)
def test_what_is_no_name_cannot_be_given(text: str) -> None:
    """The error says what a name looks like."""
    with pytest.raises(SettingsError, match="allowed_hosts"):
        host_names([text])


async def test_every_handler_is_behind_it() -> None:
    """The check stands before the routes, not in each of them."""

    async def never(_: web.Request) -> web.StreamResponse:
        raise AssertionError

    handler: Handler = never
    request = make_mocked_request("GET", "/", {"Host": "evil.example"})
    answer = await HostFilter("127.0.0.1", ()).middleware()(request, handler)
    assert answer.status == 421
