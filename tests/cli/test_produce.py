"""`nova produce` into a real NOVA over the local transport."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from nova.cli.produce import produce
from nova.recordings import open_recording
from nova.recordings.recording_options import RecordingOptions
from nova.sdk.errors import NovaError
from nova.sdk.events.event import check_stored
from nova.testkit.running_nova import RunningNova, nova_command, running_nova
from tests.command_here import command_here
from tests.made_packets import ORBIT_PACKET_BYTES

ORBIT = "orbit"
EPOCH = ("--epoch", "2026-03-01T12:00:00Z")
JPSS = "ccsds/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"
BUS_UPDATES = 312
DRONE_EVENTS = 127_838
JPSS_XTCE = "ccsds/jpss1_geolocation_xtce_v1.xml"
ENVELOPE = {
    "scopeId": "lines",
    "lane": "raw",
    "systemId": "a",
    "containerId": "b",
    "uniqueId": "c",
    "sourceTruthTime": "2026-01-01T00:00:00Z",
    "bytes": "AA==",
}


class Result(msgspec.Struct, forbid_unknown_fields=True):
    """What `--json` prints."""

    sent: int
    new: int
    duplicate: int
    rejected: int
    stored: int
    unreadable: int
    rejections: list[dict[str, str]]
    problems: list[str]
    notes: dict[str, int]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA that takes every scope; each test has its own."""
    with running_nova(tmp_path_factory.mktemp("ground") / "data", "--ground") as running:
        yield running
        running.kill()


def produced(nova: RunningNova, *arguments: str) -> tuple[int, Result]:
    """Exit status and result of one `nova produce`."""
    done = command_here("produce", *arguments, "--to", nova.publish, "--json")
    return done.returncode, msgspec.json.decode(done.stdout, type=Result)


def stored(nova: RunningNova, scope: str) -> list[bytes]:
    """All stored envelopes of a scope, as `nova query` prints them."""
    span = ("--from", "1990-01-01T00:00:00Z", "--to", "2030-01-01T00:00:00Z")
    where = ("--data", str(nova.data), "--timebase", "source", "--scopes", scope)
    done = command_here("query", *where, *span, "--json")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_recordings_of_every_format_are_stored_once(ground: RunningNova, made: Path) -> None:
    """A-290: formats are recognised by name or content; the second time all events are known."""
    xtce = ("--xtce", str(made / "orbit.xml"))
    counted = ("--time", "field:SHCOARSE", "--root-container", "Telemetry")
    counter = ("--xtce", str(made / "counter.xml"), *counted, *EPOCH)
    for name, options, count in (
        ("orbit", xtce, 4 * 300 + 1),
        ("counter", counter, 2 * 40 + 2),
        ("boat.log", (), 60 + 100 + 20),
        ("flight.csv", ("--time-column", "time", *EPOCH), 40),
    ):
        arguments = (str(made / name), "--scope", f"made-{name.replace('.', '-')}", *options)
        status, result = produced(ground, *arguments)
        assert (status, result.sent, result.new, result.rejected) == (0, count, count, 0), name
        status, result = produced(ground, *arguments)
        assert (status, result.new, result.duplicate) == (0, 0, count), name
    for name, options in (("bus.log", ()), ("drone.ulg", EPOCH)):
        arguments = (str(made / name), "--scope", f"made-{name.replace('.', '-')}", *options)
        status, first = produced(ground, *arguments)
        assert (status, first.new, first.rejected) == (0, first.sent, 0), name
        status, result = produced(ground, *arguments)
        assert (status, result.new, result.duplicate) == (0, 0, first.new), name
    events = [check_stored(line)[0] for line in stored(ground, "made-orbit")]
    lanes = [event.series.lane for event in events]
    assert (lanes.count("raw"), lanes.count("parsed"), lanes.count("ui")) == (300, 300, 600)


@pytest.mark.slow
def test_jpss_is_stored_once(ground: RunningNova, recordings: Path) -> None:
    """7,200 raw and 7,200 parsed events, as many updates of two views, and one layout; the second
    time all are known (A-290).
    """
    arguments = (str(recordings / JPSS), "--xtce", str(recordings / JPSS_XTCE), "--scope", "jpss1")
    status, result = produced(ground, *arguments)
    assert (status, result.sent, result.new, result.duplicate) == (0, 28_801, 28_801, 0)
    status, result = produced(ground, *arguments)
    assert (status, result.sent, result.new, result.duplicate) == (0, 28_801, 0, 28_801)
    events = [check_stored(line)[0] for line in stored(ground, "jpss1")]
    lanes = [event.series.lane for event in events]
    assert (lanes.count("raw"), lanes.count("parsed"), lanes.count("ui")) == (7_200, 7_200, 14_400)


def test_boat_and_rocket(ground: RunningNova, recordings: Path) -> None:
    """NMEA is recognised by its content, CSV by its name; notes are counted and spoil nothing."""
    boat = str(recordings / "gps/bundg_zeus_9.log")
    status, result = produced(ground, boat, "--scope", "boat")
    assert (status, result.sent, result.rejected) == (0, 4999 + 4853 + 284 + 147 + 149, 0)
    # What the same talker says twice at one time is one event.
    assert (result.new, result.duplicate) == (9_540, result.sent - 9_540)
    assert list(result.notes.values()) == [146]
    rocket = str(recordings / "table/2022-06-24-serial-6583-flight-0003-TeleMega.csv")
    options = ("--time-column", "time", "--epoch", "2022-06-24T15:17:16Z")
    status, result = produced(ground, rocket, "--scope", "rocket", *options)
    assert (status, result.new) == (0, 6234)


@pytest.mark.slow
def test_bus_is_stored_once(ground: RunningNova, recordings: Path) -> None:
    """A CAN log is recognised by its content; twice it is the same events."""
    bus = str(recordings / "can/logfile_20140914_365495765_can.log")
    status, result = produced(ground, bus, "--scope", "bus")
    assert (status, result.new) == (0, 10_495 + 4_319 + BUS_UPDATES)
    assert list(result.notes.values()) == [9] and "incomplete" in next(iter(result.notes))
    status, result = produced(ground, bus, "--scope", "bus")
    assert (status, result.new, result.duplicate) == (0, 0, 10_495 + 4_319 + BUS_UPDATES)


@pytest.mark.slow
def test_autopilot_is_stored_once(ground: RunningNova, recordings: Path) -> None:
    """A ULog of 64,542 records; those without a time have the same one the second time. One is
    written 678 times with its first time and bytes: it is one raw and one parsed event.
    """
    log = str(recordings / "ulog/sample.ulg")
    options = ("--scope", "drone", "--epoch", "2017-05-01T12:00:00Z")
    status, result = produced(ground, log, *options)
    assert (status, result.new, result.duplicate) == (0, DRONE_EVENTS, 2 * 677)
    assert list(result.notes.values()) == [20_343]
    status, result = produced(ground, log, *options)
    assert (status, result.new, result.duplicate) == (0, 0, DRONE_EVENTS + 2 * 677)


def test_rejected_lines_are_listed(ground: RunningNova, tmp_path: Path) -> None:
    """Each is stored in the reject log and named here; the good lines are stored. Status 1."""
    path = tmp_path / "events.jsonl"
    naive = {**ENVELOPE, "sourceTruthTime": "2026-01-01T00:00:00"}
    lines = [b"{broken", msgspec.json.encode(ENVELOPE), b"", msgspec.json.encode(naive)]
    path.write_bytes(b"\n".join(lines))
    status, result = produced(ground, str(path), "--scope", "lines")
    assert (status, result.sent, result.new, result.rejected) == (1, 3, 1, 2)
    assert [(one["place"], one["code"], one["member"]) for one in result.rejections] == [
        ("line 1", "malformed", ""),
        ("line 4", "badTime", "sourceTruthTime"),
    ]
    done = command_here("produce", str(path), "--scope", "lines", "--to", ground.publish)
    assert done.returncode == 1
    assert done.stdout.decode() == "sent 3, new 0, duplicate 1, rejected 2\n"
    assert "rejected: line 4: badTime sourceTruthTime: " in done.stderr.decode()


def test_truncated_file_is_published_up_to_its_end(
    ground: RunningNova, made: Path, tmp_path: Path
) -> None:
    """What is whole is stored, the rest is one line with its offset, and the status says so."""
    path = tmp_path / "cut"
    path.write_bytes((made / ORBIT).read_bytes()[: 10 * ORBIT_PACKET_BYTES + 5])
    status, result = produced(ground, str(path), "--scope", "cut")
    assert (status, result.new, result.unreadable) == (1, 10, 1)
    assert result.problems == ["byte 540: 5 bytes skipped: a packet header has 6 bytes, 5 present"]


def test_paced_recording_is_the_same_events(
    ground: RunningNova, made: Path, tmp_path: Path
) -> None:
    """At a rate the events are those of `max`: pace is no part of truth."""
    path = tmp_path / "start"
    path.write_bytes((made / ORBIT).read_bytes()[: 100 * ORBIT_PACKET_BYTES])
    status, result = produced(ground, str(path), "--scope", "pace", "--rate", "1000")
    assert (status, result.new) == (0, 100)
    status, result = produced(ground, str(path), "--scope", "pace")
    assert (status, result.duplicate) == (0, 100)


def test_progress_on_a_terminal(ground: RunningNova, made: Path) -> None:
    """Somebody who looks at stderr sees a bar; stdout has the result only."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nova.cli", "produce", str(made / ORBIT)]
    command += ["--scope", "terminal", "--to", ground.publish]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "150"},
            check=True,
            timeout=60,
        )
        shown = os.read(ours, 1 << 20).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert "orbit" in shown
    assert "events" in shown
    assert done.stdout.startswith(b"sent 300, new 300")


def test_interrupted_says_how_far_it_came(ground: RunningNova, made: Path) -> None:
    """Ctrl-C ends it with the usual line and status 130."""
    command = [sys.executable, "-m", "nova.cli", "produce", str(made / ORBIT)]
    command += ["--scope", "interrupted", "--to", ground.publish, "--rate", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        try:
            while not stored(ground, "interrupted"):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert out.startswith(b"sent ")


def test_nobody_listens(tmp_path: Path, made: Path) -> None:
    """Without a NOVA it ends in time, and the error says what to look at."""
    where = ("--to", f"local://{tmp_path}", "--scope", "s", "--give-up-after", "0")
    done = command_here("produce", str(made / ORBIT), *where)
    assert done.returncode == 1
    assert b"is that NOVA running?" in done.stderr
    assert done.stdout == b"sent 0, new 0, duplicate 0, rejected 0\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--rate", "0"], "neither max nor a number above 0"),
        (["--rate", "nan"], "neither max nor a number above 0"),
        (["--format", "papyrus"], "papyrus"),
        (["--time-unit", "years"], "years"),
    ],
)
def test_bad_options_are_usage_errors(made: Path, arguments: list[str], reason: str) -> None:
    """Status 2, and the option's own rule in the message."""
    where = [str(made / ORBIT), "--to", "local:///nowhere", "--scope", "s"]
    result = CliRunner().invoke(produce, [*where, *arguments])
    assert result.exit_code == 2
    assert reason in result.output


def test_bad_scope_and_unknown_format_are_errors_of_ours(made: Path, tmp_path: Path) -> None:
    """Nothing is connected to before what was asked for makes sense."""
    noise = tmp_path / "noise"
    noise.write_bytes(bytes(range(256)) * 8)
    for path, scope in ((made / ORBIT, "no blanks"), (noise, "s")):
        arguments = [str(path), "--to", "local:///nowhere", "--scope", scope]
        result = CliRunner().invoke(produce, arguments)
        assert isinstance(result.exception, NovaError)


def test_help_teaches() -> None:
    """Examples for every format."""
    text = CliRunner().invoke(produce, ["--help"]).output
    for example in ("--xtce", "field:SHCOARSE", "boat.log", "--time-column time", "events.jsonl"):
        assert example in text


def flags(text: str) -> set[str]:
    """The long options that a text names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def test_every_option_that_is_named_is_one() -> None:
    """Before, --time-zone and --time-format were fields, in errors and in docs, but no options."""
    root = Path(__file__).parents[2]
    readers = "".join(
        path.read_text() for path in Path(open_recording.__file__).parent.glob("*.py")
    )
    options = {field.name for field in fields(RecordingOptions)} - {"arrivals"}  # Of captures.
    named = {"--" + name.replace("_", "-") for name in options}
    page = (root / "docs/recordings.md").read_text()
    named |= flags(re.sub(r"^(?:pip|nova up) .*$", "", page, flags=re.MULTILINE)) | flags(readers)
    known = {flag for option in produce.params for flag in option.opts}
    assert named - known == set()
    assert {"--time-zone", "--time-format", "--epoch"} <= named


def test_zone_and_format_over_the_command_line(ground: RunningNova, tmp_path: Path) -> None:
    """The times that are stored."""
    table = tmp_path / "x.csv"
    table.write_text("time,v\n17/07/2025 17:00:08,1\n")
    form = ("--time-column", "time", "--time-unit", "iso", "--time-format", "%d/%m/%Y %H:%M:%S")
    zone = ("--time-zone", "Europe/Berlin")
    status, result = produced(ground, str(table), "--scope", "zone", *form, *zone)
    assert (status, result.new) == (0, 1)
    (event,) = stored(ground, "zone")
    assert b'"sourceTruthTime":"2025-07-17T15:00:08' in event


def test_standard_input_is_published(ground: RunningNova, made: Path) -> None:
    """Before, a pipe was read once of three times: nothing was stored, with status 0."""
    data = (made / "boat.log").read_bytes()
    where = ("--to", ground.publish, "--scope", "piped", "--json")
    done = nova_command("produce", "-", *where, stdin=data)
    assert done.returncode == 0, done.stderr
    assert b"standard input is a stream" in done.stderr
    assert msgspec.json.decode(done.stdout, type=Result).new == 60 + 100 + 20
    status, result = produced(ground, str(made / "boat.log"), "--scope", "piped")
    assert (status, result.new, result.duplicate) == (0, 0, 60 + 100 + 20)
