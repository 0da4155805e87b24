"""The measurement of commands runs, over real processes."""

from __future__ import annotations

import msgspec
from click.testing import CliRunner

from bench.commanding import Run, commanding


def test_a_run_measures_each_command() -> None:
    """Every command that is submitted reaches the device."""
    done = CliRunner().invoke(commanding, ["--commands", "5", "--rate-hz", "9"])
    assert done.exit_code == 0, done.output
    run = msgspec.json.decode(done.output, type=Run)
    assert run.commands == 5
    assert 0 < run.p50_ms <= run.p99_ms <= run.worst_ms
