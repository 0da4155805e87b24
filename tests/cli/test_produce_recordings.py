"""`nova produce` of the kinds of files that people have, from the file to stored events."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import can
import pytest
from click.testing import CliRunner

from nova.cli.produce import produce
from nova.recordings.format_detection import FORMATS
from nova.sdk.errors import NovaError
from nova.testkit.running_nova import RunningNova, running_nova
from tests.cli.test_produce import produced, stored
from tests.recordings import test_ardupilot, test_can_log, test_gnss, test_gpx, test_mavlink
from tests.recordings.test_parquet_table import frame_of
from tests.recordings.test_topic_messages import foxglove_file

LINES = "cpu,host=a load=0.5 1722000000000000000\n"
KINDS = ("asc", "blf", "bin", "tlog", "mcap", "gpx", "gz", "lp", "ubx", "parquet")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA that takes every scope; each kind has its own."""
    with running_nova(tmp_path_factory.mktemp("ground") / "data", "--ground") as running:
        yield running
        running.kill()


def file_of(folder: Path, kind: str) -> tuple[Path, tuple[str, ...]]:
    """A recording of a kind, and the options with which it is published."""
    path = folder / f"recording.{kind}"
    if kind in ("asc", "blf"):
        with can.Logger(str(path)) as logger:
            for message in test_can_log.messages():
                logger(message)
        (folder / "car.dbc").write_text(test_can_log.DBC)
        return path, ("--dbc", str(folder / "car.dbc"), "--time-zone", "Europe/Berlin")
    if kind == "mcap":
        return foxglove_file(path), ()
    if kind == "parquet":
        frame_of(50).to_parquet(path)
        return path, ("--time-column", "utc")
    contents: dict[str, Callable[[], bytes]] = {
        "bin": test_ardupilot.log_bytes,
        "tlog": test_mavlink.log_bytes,
        "gpx": lambda: test_gpx.track_file().encode(),
        "gz": lambda: gzip.compress(test_gpx.track_file().encode()),
        "lp": lambda: LINES.encode(),
        "ubx": test_gnss.log_bytes,
    }
    path.write_bytes(contents[kind]())
    return path, ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_published_by_one_command(ground: RunningNova, tmp_path: Path, kind: str) -> None:
    """Nothing but what the file cannot say is an option; the second time all is known."""
    path, options = file_of(tmp_path, kind)
    arguments = (str(path), "--scope", f"kind-{kind}", *options)
    status, first = produced(ground, *arguments)
    assert (status, first.rejected, first.unreadable) == (0, 0, 0), first
    assert first.new == first.sent > 0
    status, again = produced(ground, *arguments)
    assert (status, again.new, again.duplicate) == (0, 0, first.sent)
    assert len(stored(ground, f"kind-{kind}")) == first.sent


MODULES = {
    "tlog": "pymavlink.dialects.v20.all",
    "ubx": "pyubx2",
    "bin": "pymavlink.DFReader",
}


@pytest.mark.parametrize("kind", MODULES)
def test_a_missing_library_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """It says what to type."""
    path, options = file_of(tmp_path, kind)
    monkeypatch.setitem(sys.modules, MODULES[kind], None)
    nowhere = ("--to", f"local://{tmp_path}", "--scope", "s", "--give-up-after", "0")
    result = CliRunner().invoke(produce, [str(path), *nowhere, *options])
    assert isinstance(result.exception, NovaError)
    assert "pip install --find-links dist 'nova-sdk[recordings]" in str(result.exception)


def test_help_names_every_kind() -> None:
    text = CliRunner().invoke(produce, ["--help"]).output
    assert all(name in text for name in FORMATS)
    for example in (
        ".blf",
        ".tlog",
        ".BIN",
        ".mcap",
        ".gpx.gz",
        ".lp",
        ".ubx",
        ".parquet",
        "--dbc",
    ):
        assert example in text
