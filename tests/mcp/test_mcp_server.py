"""Agents read a NOVA by the tools of `nova mcp`: bounded, as one principal, and recorded."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from nova.sdk.client.client import Client as NovaClient
from nova.sdk.protocol.messages import Filters, Query
from nova.testkit.running_nova import PASSWORD, nova_command, running_nova
from tests.edge.read_api.http_reader import COUNT, HttpReader, at, filled_reader

CHARS = 20_000


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpReader]:
    """An archive of two scopes, with a key for everything and one for a scope."""
    with running_nova(tmp_path_factory.mktemp("agents") / "data", "--ground") as running:
        yield filled_reader(running)
        running.kill()


@asynccontextmanager
async def agent(api: HttpReader, key: str = "all") -> AsyncIterator[Client]:
    """An agent that has started `nova mcp` with a key."""
    command = ["-m", "nova.cli", "mcp", "--url", api.url, "--answer-chars", str(CHARS)]
    server = StdioServerParameters(
        command=sys.executable, args=command, env={"NOVA_TOKEN": api.keys[key]}
    )
    async with Client(server) as client:
        yield client


def text_of(result: CallToolResult) -> str:
    """The only content of an answer."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def read(client: Client, tool: str, **arguments: Any) -> Any:
    """What a tool answers; it is no error."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return msgspec.json.decode(text_of(result))


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """Why a call is refused."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return text_of(result)


def test_every_tool_only_reads_and_says_what_it_takes(api: HttpReader) -> None:
    async def listed() -> None:
        async with agent(api) as client:
            tools = (await client.list_tools()).tools
            assert {"scopes", "query", "sample", "find", "event"} <= {tool.name for tool in tools}
            for tool in tools:
                assert tool.annotations is not None and tool.annotations.read_only_hint
                assert tool.description and tool.input_schema["additionalProperties"] is False

    asyncio.run(listed())


def test_answers_are_those_of_http_and_stay_short(api: HttpReader) -> None:
    """Pages follow each other without a gap, whatever had to be shortened."""

    async def paged() -> None:
        span = {"startTime": at(0), "stopTime": at(COUNT), "timebase": "source"}
        async with agent(api) as client:
            ids: list[str] = []
            wanted = {**span, "scopeIds": ["alpha"], "lanes": ["parsed"], "limit": 400}
            answer = await client.call_tool("query", wanted)
            while True:
                assert not answer.is_error and len(text_of(answer)) <= CHARS
                page = msgspec.json.decode(text_of(answer))
                assert page["events"]
                ids += [event["eventId"] for event in page["events"]]
                if len(ids) >= 300:
                    break
                answer = await client.call_tool("query", {**wanted, "afterKey": page["nextKey"]})
            http = api.get(
                "query", scopeIds="alpha", lanes="parsed", limit=len(ids), **span
            ).json()["events"]
            assert ids == [event["eventId"] for event in http]
            one = await read(client, "event", eventId=ids[7], time=at(7))
            assert one["eventId"] == ids[7]
            assert "fewer buckets" in await refused(client, "summary", buckets=4096, **span)

    asyncio.run(paged())


def test_one_scope_is_all_that_its_key_sees(api: HttpReader) -> None:
    async def limited() -> None:
        async with agent(api, "alpha-only") as client:
            scopes = await read(client, "scopes")
            assert [one["scopeId"] for one in scopes["scopes"]] == ["alpha"]
            entities = await read(client, "entities")
            assert {one["scopeId"] for one in entities["entities"]} == {"alpha"}

    asyncio.run(limited())


def test_wrong_calls_are_refused_in_words_that_help(api: HttpReader) -> None:
    async def wrong() -> None:
        async with agent(api) as client:
            assert "there is no tool 'drop'" in await refused(client, "drop")
            assert "unknown parameter 'colour'" in await refused(client, "query", colour="red")
            assert "is not an ISO 8601 time" in await refused(client, "latest", time="yesterday")
            assert "64 digits" in await refused(client, "event", eventId="../status", time=at(0))
            assert "limit" in await refused(client, "query", limit="many")
            await read(client, "status")

    asyncio.run(wrong())
    asked = [event["payload"]["asked"] for event in asyncio.run(_recorded(api, "query", 2))]
    assert any(one.startswith("query?colour=red") for one in asked)
    (event,) = asyncio.run(_recorded(api, "event", 1))
    assert event["payload"]["asked"].startswith("events/..%2Fstatus?time=")


def test_every_call_is_recorded_with_the_key(api: HttpReader) -> None:
    async def audited() -> None:
        async with agent(api, "alpha-only") as client:
            await read(client, "latest", time=at(9), scopeIds=["alpha"])

    asyncio.run(audited())
    payload = asyncio.run(_recorded(api, "latest", 1))[0]["payload"]
    assert payload["asked"].startswith("latest?time=2026-01-01T00:00:09")
    assert (payload["principal"], payload["principalKind"]) == ("alpha-only", "key")


async def _recorded(api: HttpReader, tool: str, count: int) -> list[dict[str, Any]]:
    """The newest events of calls of a tool; the edge hands entries over beside its replies."""
    filters = Filters(system_id="nova", container_id="audit", message_types=["ReadRequested"])
    async with await NovaClient.log_in(api.url, "admin", PASSWORD) as admin, asyncio.timeout(60):
        while True:
            query = Query(filters=filters, reverse=True)
            events = [dict(msgspec.json.decode(event)) async for event in admin.query(query)]
            found = [one for one in events if one["payload"]["by"] == f"mcp {tool}"]
            if len(found) >= count:
                return found[:count]
            await asyncio.sleep(0.1)


def test_columns_are_rows_that_continue(api: HttpReader) -> None:
    """Values as text, in lines, shortened by whole rows."""
    series = {"scopeId": "alpha", "systemId": "bus", "containerId": "eps", "uniqueId": "a"}
    wanted: dict[str, Any] = {
        **series,
        "lane": "parsed",
        "messageType": "Count",
        "fields": ["n", "mode"],
    }
    wanted |= {"startTime": at(0), "stopTime": at(COUNT), "timebase": "source", "limit": 900}

    async def rows() -> None:
        async with agent(api) as client:
            first = text_of(await client.call_tool("columns", wanted))
            assert len(first) <= CHARS
            *lines, last = map(msgspec.json.decode, first.splitlines())
            assert [line["n"] for line in lines] == list(range(0, 2 * len(lines), 2))
            following = await client.call_tool("columns", {**wanted, "afterKey": last["nextKey"]})
            assert msgspec.json.decode(text_of(following).splitlines()[0])["n"] == 2 * len(lines)

    asyncio.run(rows())


@pytest.mark.parametrize(
    ("token", "why"), [("", "no API key"), ("nova_wrong", "refuses the token")]
)
def test_it_does_not_start_without_a_key(api: HttpReader, token: str, why: str) -> None:
    done = nova_command("mcp", "--url", api.url, "--token", token)
    assert done.returncode == 1 and why in done.stderr.decode()


def test_it_does_not_start_without_an_edge() -> None:
    done = nova_command("mcp", "--url", "http://127.0.0.1:9", "--token", "nova_x")
    assert done.returncode == 1 and "does not answer" in done.stderr.decode()
