"""Many clients of one stream, in processes of their own; some of them never read."""

from __future__ import annotations

import asyncio
import zlib

import pytest

from bench.tcp_crowd import SYSTEM, CrowdLoad, run_crowd, serving
from nova.testkit.ports import free_port
from nova.testkit.running_nova import RunningNova
from tests.edge import tapping
from tests.edge.tapping import definition, line_of

GROWTH_MAX_KIB = 16 * 1024


@pytest.mark.parametrize(
    ("load", "queue_kib"),
    [
        (CrowdLoad(20, 5, hz=2_000, seconds=1.5, padding_bytes=1_000), 256),
        pytest.param(CrowdLoad(80, 20, hz=5_000, seconds=20), 4_096, marks=pytest.mark.slow),
    ],
    ids=["tenth", "whole"],
)
def test_those_that_read_get_everything_in_order(
    nova: RunningNova, load: CrowdLoad, queue_kib: int
) -> None:
    """What the stalled ones do not get is counted, and takes no memory."""
    port = free_port()
    with serving(nova, port, queue_kib) as streams:
        result = asyncio.run(run_crowd(nova, streams, port, load))
    envelopes = asyncio.run(tapping.stored(nova.data, definition(SYSTEM)))
    text = "".join(map(line_of, envelopes[-result.sent :])).encode()
    assert result.bytes == [len(text)] * load.healthy
    assert result.checksums == [zlib.crc32(text)] * load.healthy
    assert result.sent == load.hz * load.seconds
    assert 0 < result.dropped <= load.stalled * result.sent
    assert max(result.resident_kib) - min(result.resident_kib) < GROWTH_MAX_KIB
