"""A NOVA of the tests that is ended at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nova.core.store.archive import Archive
from nova.sdk.transport.base import Record, connect
from nova.testkit.running_nova import running_nova
from tests.core.telling import told

NAMES = ("writer", "reader", "edge")
ENVELOPE = (
    b'{"scopeId":"sat","lane":"parsed","systemId":"bus","containerId":"eps","uniqueId":"a",'
    b'"sourceTruthTime":"2026-01-01T00:00:00Z","messageType":"Count","schemaVersion":"1",'
    b'"payload":{"n":1}}'
)


async def publish(url: str) -> None:
    transport = connect(url)
    assert (await transport.publish([Record(None, ENVELOPE)])).new == 1
    await transport.close()


def test_of_one_that_is_killed_nothing_runs_on(tmp_path: Path) -> None:
    """And what it has acknowledged is in its archive, which is free for the next."""
    with running_nova(tmp_path / "data", "--scope", "sat") as nova:
        asyncio.run(publish(nova.publish))
        children = [nova.child(name) for name in NAMES]
        nova.kill()
        assert nova.process.returncode is not None
        for child in children:
            status = Path(f"/proc/{child}/status")
            assert not status.exists() or "State:\tZ" in status.read_text()
    archive = Archive.open_primary(tmp_path / "data")
    try:
        found = [event for event in told(archive) if event.lane == "parsed"]
        assert len(found) == 1
    finally:
        archive.close()
