"""Cores that accept commands, on each transport with its real server."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.core.writer.commanded import Commanded, commanded

LINKS = [
    "local",
    pytest.param("kafka", marks=pytest.mark.kafka),
    pytest.param("mqtt", marks=pytest.mark.mqtt),
    pytest.param("nats", marks=pytest.mark.nats),
]


@pytest.fixture
def scope_id() -> str:
    """A scope that nobody else uses on a broker that is shared."""
    return f"s{uuid.uuid4().hex[:16]}"


@pytest.fixture(params=LINKS)
async def anywhere(
    request: pytest.FixtureRequest, data: Path, scope_id: str
) -> AsyncIterator[Commanded]:
    """A commanded Core on each transport in turn."""
    fixtures = {"kafka": "kafka_broker", "mqtt": "mqtt_broker", "nats": "nats_server"}
    name = fixtures.get(request.param)
    url = f"local://{data}" if name is None else request.getfixturevalue(name).url
    async with commanded(data, url, scope_id) as found:
        yield found


@pytest.fixture
async def here(data: Path, scope_id: str) -> AsyncIterator[Commanded]:
    """A commanded Core on the local transport."""
    async with commanded(data, f"local://{data}", scope_id) as found:
        yield found
