"""Calls of tools: a read of the edge for each, with an answer that is never long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import aiohttp
import msgspec
from yarl import URL

from nova.mcp.read_tools import ITEMS_DEFAULT, ITEMS_MAX, LIMIT, ReadTool, asked
from nova.sdk.errors import NovaError
from nova.sdk.field_types import JsonObject
from nova.sdk.reading.http_headers import AUDIT_HEADER, NEXT_KEY_HEADER

TIMEOUT_S = 60.0
ROWS = ("format", "ndjson")


class Answer(NamedTuple):
    """What an agent gets to read."""

    text: str
    is_error: bool = False


class ReadCalls:
    """Reads of one edge with one token."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, token: str, *, chars_max: int
    ) -> None:
        self._session = session
        self._base = f"{url.rstrip('/')}/api/v1/"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._chars_max = chars_max

    async def check(self) -> None:
        """Raise NovaError unless the edge answers this token."""
        try:
            status, body = await self._get("status", [], "start")
        except (TimeoutError, aiohttp.ClientError) as error:
            raise NovaError(f"the edge at {self._base} does not answer: {error}") from None
        if status in (401, 403):
            raise NovaError(f"the edge refuses the token: {_refusal(status, body)}")

    async def answer(self, tool: ReadTool, arguments: JsonObject) -> Answer:
        """The answer of a call, shortened by whole items where it would be too long."""
        try:
            return await self._answer(tool, arguments)
        except (TimeoutError, aiohttp.ClientError) as error:
            reason = str(error) or type(error).__name__
            return Answer(f"the edge at {self._base} does not answer: {reason}", is_error=True)

    async def _answer(self, tool: ReadTool, arguments: JsonObject) -> Answer:
        if tool.is_paged:
            arguments = {**arguments, LIMIT: _limit(arguments)}
        path, texts = asked(tool, arguments)
        if tool.is_rows:
            texts.append(ROWS)
        status, body = await self._get(path, texts, tool.name)
        if status != 200:
            return Answer(_refusal(status, body), is_error=True)
        if len(body) <= self._chars_max:
            return Answer(body.decode())
        if not tool.is_paged or arguments[LIMIT] == 1:
            return Answer(self._too_long(tool, len(body)), is_error=True)
        return await self._answer(tool, {**arguments, LIMIT: self._fitting(body, tool)})

    def _fitting(self, body: bytes, tool: ReadTool) -> int:
        """How many of an answer's items are short enough together; the rest has its nextKey."""
        listed = _items(body, tool)
        left = self._chars_max - (len(body) - sum(len(item) + 1 for item in listed))
        count = 0
        for item in listed:
            left -= len(item) + 1
            if left < 0:
                break
            count += 1
        return max(1, min(count, len(listed) - 1))

    def _too_long(self, tool: ReadTool, size: int) -> str:
        return (
            f"the answer of {tool.name} has {size} characters, more than {self._chars_max}: ask "
            "for a shorter time range, fewer buckets, fields or entities"
        )

    def _url(self, path: str, texts: list[tuple[str, str]]) -> URL:
        """The path as it is: what is in an id is no step up."""
        return URL(self._base + path, encoded=True).with_query(texts)

    async def _get(self, path: str, texts: list[tuple[str, str]], by: str) -> tuple[int, bytes]:
        headers = {**self._headers, AUDIT_HEADER: f"mcp {by}"}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with self._session.get(
            self._url(path, texts), headers=headers, timeout=timeout
        ) as response:
            body = await response.read()
            if response.status == 200 and ROWS in texts and NEXT_KEY_HEADER in response.headers:
                body += msgspec.json.encode({"nextKey": response.headers[NEXT_KEY_HEADER]})
            return response.status, body


def _items(body: bytes, tool: ReadTool) -> Sequence[bytes | msgspec.Raw]:
    """What an answer lists: members of its JSON, or lines."""
    if tool.items is None:
        return [line for line in body.splitlines() if not line.startswith(b'{"nextKey":')]
    found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.decode(found[tool.items], type=list[msgspec.Raw])


def _limit(arguments: JsonObject) -> object:
    """The limit of a call; what is no number is left for the edge to refuse."""
    limit = arguments.get(LIMIT, ITEMS_DEFAULT)
    return min(limit, ITEMS_MAX) if isinstance(limit, int) else limit


def _refusal(status: int, body: bytes) -> str:
    """An error of the edge in its own words."""
    try:
        found = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError:
        return f"the edge answered {status}"
    return f"{found.get('code', status)}: {found.get('message', '')}"
