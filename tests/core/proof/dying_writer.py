"""A writer that commits events of several days and kills itself in the middle.

python dying_writer.py DATA COMMITS
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import msgspec

from nova.core.store.archive import Archive
from nova.core.store.archive_identity import ensure_id
from nova.core.store.durability_marker import write_marker
from nova.core.utc_day import NS_PER_DAY
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.transport.base import Batch, Record

FIRST_NS = timestamps.parse("2026-01-01T00:00:00Z")
STEP_NS = NS_PER_DAY // 4


def record(number: int) -> Record:
    members = {
        "scopeId": "sat",
        "lane": "parsed",
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": f"u{number % 5}",
        "sourceTruthTime": timestamps.text(FIRST_NS + number * 10**9),
        "messageType": "Count",
        "schemaVersion": "1",
        "payload": {"n": number},
    }
    return Record(None, msgspec.json.encode(members), f"n@{number}")


def main(data: Path, commits: int) -> None:
    """Every other commit is synced; the last one is not even in the log's file perhaps."""
    now = FIRST_NS
    archive = Archive.open_primary(data)
    ensure_id(archive, data)
    committer = Committer(archive, data, own_scope="sat", clock=lambda: now)
    archive.sync()
    write_marker(data, committer.marker())
    for number in range(commits):
        committer.add_batch("link", Batch([record(20 * number + n) for n in range(20)]))
        committer.close_commit()
        if number % 2:
            archive.sync()
            write_marker(data, committer.marker())
        now += STEP_NS
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
