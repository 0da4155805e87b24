"""`nova status`: the text about an instance and its links."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console

from nova.cli.status import render_status
from nova.sdk import timestamps
from nova.sdk.protocol.health import (
    BackupInfo,
    ConfiguredFiles,
    ConfiguredPart,
    ProcessInfo,
)
from nova.sdk.protocol.messages import LinkInfo, OutageInfo, StatusResponse

NOW_NS = timestamps.parse("2026-01-01T12:00:00Z")
BEGAN = "2026-01-01T11:58:00.000000000Z"


def shown(
    *links: LinkInfo,
    processes: Sequence[ProcessInfo] = (),
    backup: BackupInfo | None = None,
    configured: Sequence[ConfiguredFiles] = (),
) -> str:
    """The page of an instance with some links, as a wide terminal has it."""
    status = StatusResponse(
        mode="ground",
        timebase="canonical",
        events=1_234,
        duplicates=5,
        rejects=6,
        series=7,
        bytes_on_disk=8_000_000,
        links=list(links),
        writer_connected=False,
        processes=list(processes),
        backup=backup,
        configured=list(configured),
    )
    file = io.StringIO()
    Console(file=file, width=250).print(render_status(status, NOW_NS))
    return file.getvalue()


def test_counts_are_there_without_any_link() -> None:
    """An empty table is not shown."""
    text = shown()
    assert "ground of all scopes, timebase canonical, writer away" in text
    assert "1,234 events in 7 series, 5 duplicates, 6 refused, 8.0 MB on disk" in text
    assert "last seen" not in text


def test_a_link_shows_its_figures_and_what_happened() -> None:
    """nova.md §7: per link received, new, duplicate, refused, gaps, lag, last seen, outages."""
    text = shown(
        LinkInfo(
            link="kafka://a:9092",
            connection="connected",
            received=40_000,
            new=30_000,
            duplicate=9_999,
            rejected=1,
            gaps=2,
            lag=17,
            last_seen="2026-01-01T11:59:18.000000000Z",
            outages=3,
            last_outage=OutageInfo(
                began=BEGAN, ended="2026-01-01T11:58:09.000000000Z", reason="[down]"
            ),
        )
    )
    (row,) = (line for line in text.splitlines() if "kafka://a:9092" in line)
    for cell in ("connected", "40,000", "30,000", "9,999", " 2 ", " 17 ", "42 s ago"):
        assert cell in row
    assert "3, the last 2026-01-01T11:58:00 to 11:58:09 UTC: [down]" in row


def test_an_outage_that_lasts_and_warnings_are_told() -> None:
    """Pitfalls row 12: since when and why; a link never heard of is no failure to print."""
    text = shown(
        LinkInfo(
            link="nats://b:4222",
            connection="unreachable",
            outages=1,
            last_outage=OutageInfo(began=BEGAN, reason="refused"),
            warnings=["acknowledgements are not durable"],
        ),
        LinkInfo(link="local:///x"),
    )
    assert "1, the last since 2026-01-01T11:58:00 UTC: refused" in text
    assert "nats://b:4222: acknowledgements are not durable" in text
    (row,) = (line for line in text.splitlines() if "local:///x" in line)
    assert "unknown" in row
    assert "never" in row


def test_processes_are_named_unless_all_is_well() -> None:
    """A-293: a process that hangs is shown, and one that is restarted."""
    ready = ProcessInfo(name="reader", state="ready")
    assert "reader" not in shown(processes=[ready])
    text = shown(processes=[ready, ProcessInfo(name="sampler", state="hung", restarts=1)])
    assert "sampler is hung" in text
    assert "reader is" not in text


def test_the_age_of_the_last_backup_is_shown_and_a_failure_since() -> None:
    """A-299: also that there is none yet."""
    assert "backup" not in shown()
    assert "no backup yet to /mnt" in shown(backup=BackupInfo(target="/mnt", scheduled=True))
    found = BackupInfo(target="/mnt", time="2026-01-01T09:00:00.000000000Z", events=1_200)
    assert "last backup 3 h ago to /mnt, 1,200 events" in shown(backup=found)
    found.failed_time, found.failure = "2026-01-01T11:59:00.000000000Z", "it is [full]"
    assert "backup failed 1 min ago: it is [full]" in shown(backup=found)


def test_what_is_used_of_files_is_shown_with_those_in_trouble_first() -> None:
    rules = ConfiguredFiles(
        kind="rules", path="./rules", in_effect=12, read_time=BEGAN, faults=["a.toml: is not TOML"]
    )
    parts = [
        ConfiguredPart(name="mean@1.0.0", state="running", time=BEGAN),
        ConfiguredPart(name="power@1.0.0", state="slow", slowest_s=6.2, behind_s=3_600.0),
        ConfiguredPart(name="ratio@1.0.0", state="stopped", reason="it took longer than 10 s"),
    ]
    definitions = ConfiguredFiles(kind="definitions", path="./d", in_effect=3, parts=parts)
    text = shown(configured=[rules, definitions])
    assert "12 rules in effect of ./rules, read 2 min ago" in text
    assert "rules: a.toml: is not TOML" in text
    assert "takes up to 6.2 s, 3,600 s behind" in text
    assert "it took longer than 10 s" in text
    places = [text.index(f"{name}@1.0.0") for name in ("power", "ratio", "mean")]
    assert places == sorted(places)
