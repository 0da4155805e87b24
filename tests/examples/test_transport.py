"""The transport in examples/, held to the promises that it makes: it has no server to stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.logfile_transport import LogFileTransport
from nova.sdk import Batch, Record, Subscription, Transport
from nova.testkit.conformance.backend import Backend
from nova.testkit.conformance.delivery_cases import DeliveryCases
from nova.testkit.conformance.ending_cases import EndingCases
from nova.testkit.conformance.subscription_cases import SubscriptionCases


class LogFileBackend(Backend):
    """A log in a folder of its own."""

    name = "logfile (example)"

    def __init__(self, path: Path) -> None:
        self._path = path

    def connect(self) -> Transport:
        return LogFileTransport(f"logfile://{self._path}")


class TestLogFile(DeliveryCases, SubscriptionCases, EndingCases):
    """All promises but those about a server's outages and about listeners."""

    @pytest.fixture
    def backend(self, tmp_path: Path) -> LogFileBackend:
        return LogFileBackend(tmp_path / "log")


async def first_batch(transport: Transport, position: int) -> Batch:
    async for batch in transport.consume(Subscription(), {"log": position}):
        return batch
    raise AssertionError("consuming ended")


async def test_a_torn_line_does_not_swallow_the_next_record(tmp_path: Path) -> None:
    """A producer that was killed in the middle of a line."""
    transport = LogFileTransport(f"logfile://{tmp_path / 'log'}")
    (tmp_path / "log").write_bytes(b'["nova.sat1.raw.v1", "AAA')
    await transport.publish([Record("nova.sat1.raw.v1", b"whole")])
    batch = await first_batch(transport, 0)
    assert [record.value for record in batch.records] == [b"whole"]


async def test_a_log_that_was_made_anew_is_a_gap(tmp_path: Path) -> None:
    """And is read from its beginning."""
    transport = LogFileTransport(f"logfile://{tmp_path / 'log'}")
    await transport.publish([Record("nova.sat1.raw.v1", b"new")])
    batch = await first_batch(transport, 1_000)
    assert [gap.reason for gap in batch.gaps] == ["recreated"]
    assert batch.positions == {"log": 0}
