"""Gateways of tests, in the test's own process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from nova.foxglove.gateway import Gateway, GatewayOptions, PlaybackRange
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from tests.edge.read_api.http_reader import START_NS, HttpReader
from tests.foxglove.viewer_client import ViewerClient, viewing

SPAN_S = 300
A, B = (f"/alpha/parsed/bus/eps/{unit}/Count" for unit in "ab")
PANEL = "/alpha/ui/bus/eps/a/UiUpdate/panel"
RAW = "/alpha/raw/bus/eps/a/raw"
FAR = "/beta/parsed/bus/eps/a/Count"
SECOND_NS = timestamps.NS_PER_SECOND
PLAYED = PlaybackRange(START_NS, START_NS + SPAN_S * SECOND_NS)


@asynccontextmanager
async def gateway(api: HttpReader, key: str = "all", **options: Any) -> AsyncIterator[str]:
    """The URL of a gateway with a key."""

    async def log_in() -> Client:
        return await Client.to_edge(api.url, api.keys[key])

    made = Gateway(log_in, GatewayOptions(**options))
    async with made.serving(0) as port:
        yield f"ws://127.0.0.1:{port}"


@asynccontextmanager
async def viewer_of(
    api: HttpReader, key: str = "all", **options: Any
) -> AsyncIterator[ViewerClient]:
    """The only viewer of a gateway."""
    async with gateway(api, key, **options) as url, viewing(url) as viewer:
        yield viewer
