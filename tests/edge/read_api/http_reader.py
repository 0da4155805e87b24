"""A plain HTTP client of `/api/v1`, by the standard library alone, and an archive to read."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.admin import AddKey, KeyChanged
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova

SCOPES = ("alpha", "beta")
START_NS = timestamps.parse("2026-01-01T00:00:00Z")
COUNT = 2_500
"""Events of each scope: some pages of a query."""

UNITS = ("a", "b")
SERIES = {"systemId": "bus", "containerId": "eps", "lane": "parsed", "messageType": "Count"}
WAIT_S = 60.0


def at(second: float) -> str:
    """A source time of the archive, which has an event of each scope each second."""
    return timestamps.text(START_NS + round(second * timestamps.NS_PER_SECOND))


async def fill(url: str) -> None:
    """Each second one parsed event of each scope, every tenth second a ui and a raw one too."""
    transport = connect(url)
    for scope in SCOPES:
        producer = Producer(transport, scope)
        events = []
        for second in range(COUNT):
            unit = Entity("bus", "eps", UNITS[second % len(UNITS)])
            now = producer.observe(unit, START_NS + second * timestamps.NS_PER_SECOND)
            payload = {"n": second, "even": second % 4 < 2, "mode": f"m{second % 3}", "x": "y" * 40}
            events.append(now.parsed("Count", payload))
            if second % 10 == 0:
                panel = now.ui("panel", "panel", "1.0.0", {"n": second})
                events += [panel, now.raw(bytes((second % 256,) * 8))]
        await producer.send(events)
    await transport.close()


@dataclass
class HttpAnswer:
    """A status, headers by lower-case name, and a body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def lines(self) -> list[bytes]:
        """The lines of the body."""
        return self.body.splitlines()

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(self.json()["code"])


@dataclass
class HttpReader:
    """Reads with a token; without one nothing is sent."""

    url: str
    token: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    """The secrets of keys by their names."""

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        /,
        *,
        method: str = "GET",
        **parameters: Any,
    ) -> HttpAnswer:
        """The answer of a route; raises http.client.IncompleteRead where one is cut."""
        host = urlsplit(self.url).netloc
        connection = http.client.HTTPConnection(host, timeout=WAIT_S)
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        try:
            sent |= headers or {}
            connection.request(method, f"/api/v1/{path}{query}", headers=sent)
            reply = connection.getresponse()
            found = {name.lower(): value for name, value in reply.getheaders()}
            return HttpAnswer(reply.status, found, reply.read())
        finally:
            connection.close()

    def lines(self, path: str = "query", **parameters: Any) -> list[bytes]:
        """The lines of an answer in source time."""
        answer = self.get(path, timebase="source", format="ndjson", **parameters)
        assert answer.status == 200, answer.body
        return answer.lines

    def by(self, name: str) -> HttpReader:
        """The same with another key."""
        return HttpReader(self.url, self.keys[name], self.keys)


async def add_keys(url: str, *keys: AddKey) -> dict[str, str]:
    """The secrets of new keys, by their names."""
    async with await Client.log_in(url, "admin", PASSWORD) as admin:
        return {key.name: (await admin.request(key, KeyChanged)).secret or "" for key in keys}


def filled_reader(nova: RunningNova) -> HttpReader:
    """Fill an archive, and add the keys of the tests: of all, of one scope, and of one lane."""
    asyncio.run(fill(nova.publish))
    keys = asyncio.run(
        add_keys(
            nova.url,
            AddKey(name="all", role="viewer"),
            AddKey(name="alpha-only", role="viewer", scopes=["alpha"]),
            AddKey(name="parsed-only", role="viewer", lanes=["parsed"]),
        )
    )
    return HttpReader(nova.url, keys["all"], keys)
