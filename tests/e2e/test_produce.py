"""A satellite's recording through real transports: every packet once, over any transport."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Filters, Query, StatusResponse
from nova.testkit.running_nova import running_nova
from nova.testkit.test_server import BackendServer
from tests.command_here import command_here
from tests.e2e.shipped import MANIFESTS
from tests.e2e.until_read import until_read

PACKETS = 300
EVENTS = 4 * PACKETS + 1
"""Of each packet a raw, a parsed and two ui events, and once the layout of its fields."""


def produce_orbit(made: Path, url: str, scope: str) -> dict[str, object]:
    """`nova produce` of a recording; what it says it did."""
    packets = made / "orbit"
    xtce = made / "orbit.xml"
    done = command_here(
        "produce", str(packets), "--xtce", str(xtce), "--to", url, "--scope", scope, "--json"
    )
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=dict[str, object])


async def status_when(data: Path, received: int) -> StatusResponse:
    """The status once the links have received this many records in all."""
    async with await Client.to_core(data) as client:
        while True:
            status = await client.status()
            if sum(link.received for link in status.links) >= received:
                return status
            await asyncio.sleep(0.1)


async def lanes_of(data: Path, scope: str) -> dict[str, list[str]]:
    """The eventIds of each lane in source order."""
    async with await Client.to_core(data) as client:
        found: dict[str, list[str]] = {}
        query = Query(filters=Filters(scope_ids=[scope]), timebase="source", limit=10_000)
        async for event in client.query(query):
            members = msgspec.json.decode(event, type=dict[str, object])
            found.setdefault(str(members["lane"]), []).append(str(members["eventId"]))
        return found


@pytest.mark.kafka
def test_a_recording_is_one_truth_over_kafka_and_local(
    tmp_path: Path, made: Path, kafka_broker: BackendServer
) -> None:
    """A-016, A-073, A-116, A-290: twice over Kafka and once over local add each event once."""
    scope = f"orbit-{uuid.uuid4().hex[:8]}"
    data = tmp_path / "data"
    links = ("--transport", kafka_broker.url, "--transport", f"local://{data}")
    with running_nova(data, "--scope", scope, *links) as nova:
        for sent in (1, 2):
            assert produce_orbit(made, kafka_broker.url, scope)["sent"] == EVENTS
            status = asyncio.run(status_when(data, sent * EVENTS))
            assert (status.events, status.rejects) == (EVENTS + MANIFESTS, 0)
        over_local = produce_orbit(made, f"local://{data}", scope)
        assert (over_local["new"], over_local["duplicate"]) == (0, EVENTS)
        by_lane = asyncio.run(lanes_of(data, scope))
        nova.kill()
    assert {lane: len(set(ids)) for lane, ids in by_lane.items()} == {
        "metadata": MANIFESTS + 1,
        "ui": 2 * PACKETS,
        "raw": PACKETS,
        "parsed": PACKETS,
    }


def test_a_recording_over_local_reads_back_with_the_packets_own_times(
    tmp_path: Path, made: Path
) -> None:
    """A-087: source time is the packet's own; the range asked for by it holds what it should."""
    with running_nova(tmp_path / "data", "--scope", "orbit1") as nova:
        done = produce_orbit(made, nova.publish, "orbit1")
        assert (done["new"], done["duplicate"], done["rejected"]) == (EVENTS, 0, 0)
        asyncio.run(until_read(nova.data, EVENTS + MANIFESTS))
        window = command_here(
            *("query", "--data", str(nova.data), "--json", "--timebase", "source"),
            *("--from", "2026-03-01T12:01:00Z", "--to", "2026-03-01T12:01:59.999999999Z"),
            *("--lanes", "raw"),
        )
        assert window.returncode == 0, window.stderr
        nova.kill()
    times = [
        msgspec.json.decode(line, type=dict[str, object])["sourceTruthTime"]
        for line in window.stdout.splitlines()
    ]
    assert len(times) == 60
    assert times == sorted(times, key=str)


@pytest.mark.kafka
def test_a_new_scope_is_found_by_a_ground_archive_that_is_running(
    tmp_path: Path, kafka_broker: BackendServer
) -> None:
    """A-108, A-286: ground takes scopes that did not exist when it started."""
    data = tmp_path / "data"
    line = (
        b'{"lane":"parsed","scopeId":"%b","systemId":"s","containerId":"c","uniqueId":"u",'
        b'"sourceTruthTime":"2026-01-01T00:00:00Z","messageType":"M","schemaVersion":"1",'
        b'"payload":{}}\n'
    )
    scopes = [f"late-{number}-{uuid.uuid4().hex[:6]}" for number in range(2)]
    with running_nova(data, "--ground", "--transport", kafka_broker.url) as nova:
        for scope in scopes:
            file = tmp_path / f"{scope}.jsonl"
            file.write_bytes(line % scope.encode())
            sent = command_here("produce", str(file), "--to", kafka_broker.url, "--scope", scope)
            assert sent.returncode == 0, sent.stderr.decode()
            assert asyncio.run(first_of(data, scope))["scopeId"] == scope
        nova.kill()


async def first_of(data: Path, scope: str) -> dict[str, object]:
    """The first event of a scope, once there is one."""
    async with await Client.to_core(data) as client:
        while True:
            async for event in client.query(Query(filters=Filters(scope_ids=[scope]))):
                return msgspec.json.decode(event, type=dict[str, object])
            await asyncio.sleep(0.1)
