"""`nova streams`: the same changes in a data folder and at an edge."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nova.edge.edge_config import FOLDER_NAME
from nova.edge.edge_database import FILE_NAME
from nova.edge.streams_command import streams
from nova.edge.tcp_stream_store import TcpStreamStore
from nova.testkit.ports import free_port
from tests.edge.peer import Peer
from tests.edge.server import PASSWORD, WAIT_S, RunningEdge, running_edge

ENTITY = ("--lanes", "raw", "--system", "radio", "--container", "rx", "--unique", "a")


async def run(*arguments: object) -> Result:
    """Run the command beside the edge."""
    words = list(map(str, arguments))
    environment = {"NOVA_PASSWORD": PASSWORD, "NOVA_DATA": None}
    return await asyncio.to_thread(CliRunner().invoke, streams, words, env=environment)


async def succeed(*arguments: object) -> Result:
    result = await run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result


async def listed(*where: object) -> list[dict[str, Any]]:
    result = await succeed("list", "--json", *where)
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("at", ["data", "url"])
async def test_a_stream_is_added_edited_stopped_and_deleted(edge: RunningEdge, at: str) -> None:
    """In either way the edge that runs serves it."""
    data = ("--data", edge.config.data)
    url = ("--url", edge.url, "--user", "admin")
    where = data if at == "data" else url
    port = free_port()
    said = await succeed(
        *("add", "down", "--port", port, *ENTITY, *where),
        *("--format", "payloadOnly", "--framing", "length4", "--public"),
    )
    assert f"down (127.0.0.1:{port}) was added" in said.stderr
    one = await running(url)
    filters = {
        "lanes": ["raw"],
        "systemId": "radio",
        "containerId": "rx",
        "uniqueId": "a",
    }
    assert one["definition"]["filters"] == filters and one["definition"]["visibility"] == "public"
    assert one["definition"]["framing"] == "length4" and one["connections"] == 0
    await succeed(
        *("edit", "down", "--name", "all", "--framing", "none", "--unique", "", *where),
        *("--format", "hierarchyPerMessage", "--with-address"),
    )
    one = await running(url)
    assert (one["name"], one["port"], one["definition"]["withAddress"]) == ("all", port, True)
    assert "uniqueId" not in one["definition"]["filters"]
    table = (await succeed("list", *where)).stdout.splitlines()
    assert table[0].startswith("NAME") and f"127.0.0.1:{port}" in table[1]
    assert "raw radio/rx/*" in table[1]
    await succeed("stop", "all", *where)
    assert (await listed(*where))[0]["enabled"] is False
    await succeed("start", "all", *where)
    await running(url)
    await succeed("rm", "all", *where)
    assert await listed(*data) == await listed(*url) == []


async def running(url: tuple[object, ...]) -> dict[str, Any]:
    """The only stream, once it listens."""
    async with asyncio.timeout(WAIT_S):
        while True:
            (one,) = await listed(*url)
            if one["listening"]:
                return one


async def test_a_refusal_says_why(edge: RunningEdge) -> None:
    """With the words of the rules, whoever applies them."""
    data, own = ("--data", edge.config.data), int(edge.url.rpartition(":")[2])
    url = ("--url", edge.url, "--user", "admin")
    await succeed("add", "down", "--port", free_port(), *data)
    await running(url)
    for where in (data, url):
        for words, reason in (
            (("add", "down", "--port", free_port()), "'down' exists already"),
            (("add", "p", "--port", free_port(), "--format", "payloadOnly"), "systemId"),
            (("add", "a b", "--port", free_port()), "'a b' is not a name for a stream: use 1 to"),
            (("edit", "down", "--name", "ü"), "1 to 64 letters, digits, - and _"),
            (("add", "p", "--port", free_port(), "--scopes", "a b"), "'a b' is not an id (1 to"),
            (("add", "up", "--port", own), "the edge's own"),
            (("add", "up", "--port", own, "--bind", "127.0.0.3"), "the edge's own"),
            (("edit", "down", "--bind", "fe80::1%" + 70 * "é"), "has a zone"),
            (("edit", "down", "--system", "tcpStream"), "cannot read streams"),
            (("rm", "up"), "there is no TCP stream 'up'"),
        ):
            result = await run(*words, *where)
            assert result.exit_code == 1 and reason in str(result.exception), words


async def test_a_stream_of_a_stopped_instance_runs_with_the_next(
    tmp_path: Path, peer: Peer
) -> None:
    """A folder that no instance has used is refused, and nothing is made there."""
    missing = await run("list", "--data", tmp_path)
    assert "has no users" in str(missing.exception) and list(tmp_path.iterdir()) == []
    async with running_edge(tmp_path, peer.socket):
        pass
    said = await succeed("add", "down", "--port", free_port(), "--data", tmp_path)
    assert "listens once an edge runs" in said.stderr
    (one,) = await listed("--data", tmp_path)
    assert one["listening"] is None and one["enabled"]
    async with running_edge(tmp_path, peer.socket) as edge:
        await running(("--url", edge.url, "--user", "admin"))
    with TcpStreamStore(tmp_path / FOLDER_NAME) as store:
        assert store.list_streams()[0].creator_kind == "local"


async def test_what_cannot_be_read_can_be_deleted(tmp_path: Path, peer: Peer) -> None:
    """By its name, in the data folder."""
    async with running_edge(tmp_path, peer.socket):
        pass
    data = ("--data", tmp_path)
    await succeed("add", "down", "--port", free_port(), *data)
    with closing(sqlite3.connect(tmp_path / FOLDER_NAME / FILE_NAME)) as db, db:
        db.execute("UPDATE streams SET definition = json_set(definition, '$.colour', 'red')")
    assert await listed(*data) == []
    assert "down is deleted" in (await succeed("rm", "down", *data)).stderr
    await succeed("add", "down", "--port", free_port(), *data)
