"""The measurement of commands runs, and every command that it counts was heard."""

from __future__ import annotations

import msgspec
from click.testing import CliRunner

from bench.commands import Taken, commands, table

ASKS = 3


def test_a_run_measures_every_way() -> None:
    """Past the edge and through it, at rest and beside ingest."""
    done = CliRunner().invoke(commands, ["--asks", str(ASKS), "--events", "1000", "--json"])
    assert done.exit_code == 0, done.output
    found = msgspec.json.decode(done.output.splitlines()[-1], type=dict[str, Taken])
    assert list(found) == [
        "reader, at rest",
        "edge, at rest",
        "reader, beside ingest",
        "edge, beside ingest",
    ]
    for one in found.values():
        assert one.asked == ASKS
        assert 0 < one.heard_p50_ms <= one.heard_p99_ms <= one.heard_worst_ms
    assert all(way in table(found) for way in found)
