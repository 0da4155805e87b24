"""A request has one id in its error and in the logs of edge, reader and writer (B4-15)."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.errors import NotFoundError, ValidationError
from nova.sdk.protocol.timeline import Summary
from nova.testkit.running_nova import PASSWORD, running_nova
from tests.core.commanding import SCOPE, command

WAIT_S = 60.0


def processes_that_log(lines: str, request_id: str) -> set[str]:
    """The processes with a log line of a request."""
    found: set[str] = set()
    for line in lines.splitlines():
        if line.startswith("{"):
            record = msgspec.json.decode(line)
            if record.get("requestId") == request_id:
                found.add(record["process"])
    return found


def wait_for(capfd: pytest.CaptureFixture[str], request_id: str, processes: set[str]) -> None:
    """Read the logs until all these processes have named a request."""
    deadline, lines = time.monotonic() + WAIT_S, ""
    while processes_that_log(lines, request_id) != processes:
        assert time.monotonic() < deadline, (request_id, lines)
        time.sleep(0.1)
        lines += capfd.readouterr().err


async def test_a_failing_request_is_found_by_its_id(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running_nova(tmp_path / "data", "--scope", SCOPE) as nova:
        async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
            await client.status()
            with pytest.raises(NotFoundError) as refused:
                await client.submit_command(command(target_id="nobody"))
            assert refused.value.request_id
            wait_for(capfd, refused.value.request_id, {"edge", "reader", "writer"})
            with pytest.raises(ValidationError) as bad:
                await client.summary(Summary(start_time="x", stop_time="y", buckets=1))
            assert bad.value.request_id not in (None, refused.value.request_id)
            wait_for(capfd, str(bad.value.request_id), {"edge", "reader"})
        nova.kill()
