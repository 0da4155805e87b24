"""The measurement of commands runs, and every counted command was received."""

from __future__ import annotations

import msgspec
from click.testing import CliRunner

from bench.commands import Taken, commands, row

ASKS = 3


def test_a_run_measures_every_way() -> None:
    """Past the edge and through it, to a listener and a device, at rest and beside ingest."""
    done = CliRunner().invoke(commands, ["--asks", str(ASKS), "--events", "1000", "--json"])
    assert done.exit_code == 0, done.output
    found = msgspec.json.decode(done.output.splitlines()[-1], type=dict[str, Taken])
    assert list(found) == [
        "reader, at rest",
        "edge, at rest",
        "edge to a hosted device, at rest",
        "reader, beside ingest",
        "edge, beside ingest",
        "edge to a hosted device, beside ingest",
    ]
    for one in found.values():
        assert one.asked == ASKS
        assert 0 < one.heard_p50_ms <= one.heard_p99_ms <= one.heard_worst_ms
        assert f"| {ASKS} | {one.heard_p50_ms:.1f} | " in row("edge", one)


def test_figures_are_printed_as_they_come() -> None:
    """A row a way, below the head."""
    done = CliRunner().invoke(commands, ["--asks", "1", "--events", "1000"])
    assert done.exit_code == 0, done.output
    assert [line.split(" | ")[1] for line in done.output.splitlines()[2:]] == ["1"] * 6
