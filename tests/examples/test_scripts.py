"""The scripts in examples/ against a real NOVA: what one publishes, the others read."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from nova.sdk import BlockingProducer, Entity, timestamps
from nova.testkit.running_nova import RunningNova, running_nova
from tests.command_here import command_here
from tests.examples.installed import EXAMPLES, run_script
from tests.test_tidy import tracked

LINES_MAX = 60
TRANSPORT_LINES_MAX = 160
BATTERY = Entity("bus", "eps", "battery")


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """One for all scripts: each test looks at the newest events, or at a range of its own."""
    data = tmp_path_factory.mktemp("scripts") / "data"
    with running_nova(data, "--scope", "sat1") as running:
        yield running
        running.kill()


def publish_volts(nova: RunningNova, *volts: float, first_ns: int | None = None) -> None:
    """Voltages a second apart, or now."""
    with BlockingProducer(nova.publish, "sat1") as producer:
        for number, value in enumerate(volts):
            at_ns = None if first_ns is None else first_ns + number * timestamps.NS_PER_SECOND
            event = producer.observe(BATTERY, at_ns).parsed("Battery", {"volts": value})
            assert producer.send([event]).new == 1


@pytest.mark.parametrize("form", ["", "_plain"], ids=["async", "plain"])
def test_a_value_is_published_and_read(nova: RunningNova, form: str) -> None:
    assert run_script(f"publish{form}.py", nova.publish) == "1 stored, 0 duplicates, rejected: []\n"
    *_, line = run_script(f"read{form}.py", str(nova.data)).splitlines()
    assert line.endswith("Z battery {'volts': 28.1}")


def test_a_follower_prints_what_is_stored_and_survives_a_lost_connection(
    nova: RunningNova,
) -> None:
    """The reader is killed between two values; NOVA restarts it, and the follower misses none."""
    follower = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "follow.py"), str(nova.data)], stdout=subprocess.PIPE
    )
    with follower:
        try:
            assert follower.stdout is not None
            until_following(nova, follower.stdout)
            os.kill(nova.child("reader"), signal.SIGKILL)
            publish_volts(nova, 29.5, 30.5)
            assert b"29.5" in follower.stdout.readline()
            assert b"30.5" in follower.stdout.readline()
        finally:
            follower.kill()


def until_following(nova: RunningNova, output: IO[bytes]) -> None:
    """A LIVE stream begins at the present: publish until the follower prints, then read it all."""
    sent = 0
    while not select.select([output], [], [], 0.1)[0]:
        sent += 1
        publish_volts(nova, float(sent))
    while f"'volts': {float(sent)}}}" not in (line := output.readline().decode()):
        assert line, "the follower has ended"


def test_a_field_is_read_as_an_array(nova: RunningNova) -> None:
    """Of all that was published: the greatest value, and when it was."""
    first_ns = timestamps.parse("2026-02-01T12:00:00Z")
    publish_volts(nova, 20.5, 99.25, 21.5, first_ns=first_ns)
    (line,) = run_script("read_columns.py", str(nova.data)).splitlines()
    assert line.endswith("at most 99.25 at 2026-02-01T12:00:01.000000000Z")


def test_a_range_becomes_a_frame(nova: RunningNova) -> None:
    """Both ends of the range are in it, and the index has nanoseconds."""
    first_ns = timestamps.parse("2026-01-31T12:00:00.000000001Z")
    publish_volts(nova, 27.0, 28.0, 29.0, 30.0, first_ns=first_ns)
    stop = timestamps.text(first_ns + 2 * timestamps.NS_PER_SECOND)
    printed = run_script("replay_to_pandas.py", str(nova.data), timestamps.text(first_ns), stop)
    assert "2026-01-31 12:00:00.000000001+00:00   27.0" in printed
    assert "2026-01-31 12:00:02.000000001+00:00   29.0" in printed
    assert ["mean", "28.0"] in [line.split() for line in printed.splitlines()]
    assert "30.0" not in printed


def test_fields_and_events_become_frames(nova: RunningNova) -> None:
    """A mean of each minute by polars, and all events with their address by pandas."""
    first_ns = timestamps.parse("2026-01-30T12:00:00.000000001Z")
    publish_volts(nova, 27.0, 28.0, first_ns=first_ns)
    publish_volts(nova, 31.0, first_ns=first_ns + 60 * timestamps.NS_PER_SECOND)
    span = (str(nova.data), "2026-01-30T12:00:00Z", "2026-01-30T12:02:00Z")
    lines = run_script("fields_to_polars.py", *span).splitlines()
    assert lines == ["2026-01-30 12:00:00+00:00 27.5", "2026-01-30 12:01:00+00:00 31.0"]
    printed = [line.split() for line in run_script("events_to_pandas.py", *span).splitlines()]
    assert ["2026-01-30", "12:01:00.000000001+00:00", "battery", "31.0"] in printed
    assert printed[-1][0] == "battery" and float(printed[-1][1]) == pytest.approx(86 / 3)


def test_a_lake_is_read_by_duckdb(nova: RunningNova, tmp_path: Path) -> None:
    publish_volts(nova, 27.0, 28.0, first_ns=timestamps.parse("2026-01-15T12:00:00Z"))
    arguments = ("--data", str(nova.data), "--to", str(tmp_path), "--timebase", "source")
    done = command_here("lake", *arguments, "--from", "2026-01-15", "--until", "2026-01-15")
    assert b"1 days up to 2026-01-15: 1 written (2 events" in done.stdout
    printed = run_script("lake_by_duckdb.py", str(tmp_path)).replace("│", " ").splitlines()
    cells = [line.split() for line in printed]
    assert ["2026-01-15", "sat1", "2"] in cells and ["battery", "27.0", "28.0"] in cells


@pytest.mark.parametrize("path", tracked("examples/*.py"), ids=lambda path: path.name)
def test_an_example_is_short(path: Path) -> None:
    """Whoever wants to know how fits it on one screen; a whole transport takes more."""
    lines = path.read_text().splitlines()
    assert len(lines) <= (TRANSPORT_LINES_MAX if "transport" in path.name else LINES_MAX)
