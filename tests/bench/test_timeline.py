"""The measurement of timelines runs, and requests existing data."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path

import msgspec
from click.testing import CliRunner

from bench.own import ReaderSide
from bench.timeline import TimelineRun, markdown, plotted, timeline
from nova.sdk import timestamps

EVENTS = 4_000


def test_a_run_measures_every_kind_of_request(tmp_path: Path) -> None:
    """An archive is grown once, and what is asked of it has answers."""
    arguments = ["--events", str(EVENTS), "--asks", "3", "--data", str(tmp_path)]
    for _ in range(2):
        done = CliRunner().invoke(timeline, arguments)
        assert done.exit_code == 0, done.output
        run = msgspec.json.decode(done.output, type=TimelineRun)
        assert run.events == EVENTS
        assert len(run.waited) == 8
        assert all(f"| {name} | 3 |" in markdown(run) for name in run.waited)
        assert all(waited.asked == 3 and waited.worst_ms > 0 for waited in run.waited.values())
    with tempfile.TemporaryDirectory() as scratch, ReaderSide(tmp_path, Path(scratch)) as reader:
        dice = random.Random(1)
        start, stop = (timestamps.text(time_ns) for time_ns in reader.bounds("source"))
        plots = [asyncio.run(reader.sample(plotted(dice, start, stop), "source")) for _ in range(9)]
    assert any(sum(field.count) for plot in plots for field in plot.fields)
