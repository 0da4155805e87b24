"""The gateway answers its own page alone, forwards only reads, and keeps the key to itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from nova.openmct.own_pages import is_loopback
from nova.testkit.running_nova import nova_command, running_nova
from tests.edge.read_api.http_reader import COUNT, SERIES, HttpReader, at, filled_reader
from tests.openmct.running_gateway import empty_openmct, running_gateway


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpReader]:
    """An archive of two scopes, with a key for everything and one for a scope."""
    with running_nova(tmp_path_factory.mktemp("openmct") / "data", "--ground") as running:
        yield filled_reader(running)
        running.kill()


@pytest.fixture(scope="module")
def gateway(api: HttpReader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpReader]:
    """The gateway with the key of one scope; its readers send no token."""
    folder = empty_openmct(tmp_path_factory.mktemp("library"))
    with running_gateway(api.url, api.keys["alpha-only"], folder) as url:
        yield HttpReader(url)


def test_reads_are_those_of_the_key(api: HttpReader, gateway: HttpReader) -> None:
    scopes = gateway.get("scopes").json()["scopes"]
    assert [one["scopeId"] for one in scopes] == ["alpha"]
    wanted = {**SERIES, "scopeId": "alpha", "uniqueId": "a", "fields": "n", "timebase": "source"}
    wanted |= {"startTime": at(0), "stopTime": at(COUNT)}
    found, direct = gateway.get("columns", **wanted), api.by("alpha-only").get("columns", **wanted)
    assert (found.status, found.body) == (200, direct.body) and found.json()["rows"] == COUNT // 2
    refused = gateway.get("columns", **{**wanted, "fields": ""})
    assert refused.status == 400 and refused.code == "badRequest"
    tagged = gateway.get("entities", timebase="source", time=at(5))
    assert (
        gateway.get(
            "entities", {"If-None-Match": tagged.headers["etag"]}, timebase="source", time=at(5)
        ).status
        == 304
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Host": "rebound.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=["origin", "sandbox", "host", "load"],
)
async def test_pages_of_other_sites_get_nothing(
    gateway: HttpReader, headers: dict[str, str]
) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("", "api/v1/scopes", "openmct/plugin.js", "ws"):
            async with session.get(gateway.url + path, headers=headers) as reply:
                assert reply.status == 403 and "own page" in await reply.text(), path


async def test_nothing_but_reading_is_forwarded(gateway: HttpReader) -> None:
    async with aiohttp.ClientSession() as session:
        for method in ("POST", "PUT", "DELETE"):
            async with session.request(method, f"{gateway.url}api/v1/query") as reply:
                assert reply.status == 405
        async with session.get(f"{gateway.url}auth/methods") as reply:
            assert reply.status == 404
        async with session.ws_connect(f"{gateway.url}ws") as socket:
            await socket.send_json({"type": "submitChat", "scopeId": "alpha", "content": "no"})
            refusal = await socket.receive_json()
            assert refusal["code"] == "forbidden" and "startStream" in refusal["message"]
            await socket.send_str("[]")
            assert (await socket.receive_json())["code"] == "forbidden"
            filters = {"lanes": ["parsed"], "scopeIds": ["alpha"]}
            start = {"playbackRequestId": "1", "timelineMode": "LIVE", "filters": filters}
            await socket.send_json({"type": "startStream", **start})
            assert (await socket.receive_json())["type"] == "streamStarted"


async def test_the_page_has_the_plugin_and_not_the_key(
    api: HttpReader, gateway: HttpReader
) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("", "openmct/plugin.js", "lib/openmct.js"):
            async with session.get(gateway.url + path) as reply:
                assert reply.status == 200, path
                assert api.keys["alpha-only"] not in await reply.text()


@pytest.mark.parametrize("path", ["../../metrics", "..%2f..%2fmetrics", "../streams", "a/../b"])
def test_no_path_leads_elsewhere_on_the_edge(gateway: HttpReader, path: str) -> None:
    assert gateway.get(path).status in (403, 404)
    assert b"nova_" not in gateway.get(path).body


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8810", True),
        ("localhost", True),
        ("[::1]:8810", True),
        ("localhost.example", False),
        ("10.0.0.1:8810", False),
        ("", False),
        ("[", False),
    ],
)
def test_loopback_names(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_it_says_what_is_missing(api: HttpReader, tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path))
    for arguments, why in (
        (("--url", api.url, "--token", api.token, *folder), "nova openmct --install"),
        (("--url", api.url, *folder), "no API key"),
        (folder, "no edge"),
    ):
        done = nova_command("openmct", *arguments)
        assert done.returncode == 1 and why in done.stderr.decode(), why
    empty_openmct(tmp_path)
    for url, token, why in (
        (api.url, "nova_wrong", "refuses the token"),
        ("http://127.0.0.1:9", "nova_x", "does not answer"),
    ):
        done = nova_command("openmct", "--url", url, "--token", token, *folder, "--port", "0")
        assert done.returncode == 1 and why in done.stderr.decode(), why
    done = nova_command("openmct", "--install", *folder, PATH="")
    assert done.returncode == 1 and "npm is not installed" in done.stderr.decode()
