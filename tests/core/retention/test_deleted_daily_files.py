"""Daily files of deleted days go with them if the rule says so, whatever interrupts it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from nova.core.files.daily_files import DailyFiles
from nova.core.files.daily_files_state import STATE_FILE
from nova.core.proof.verify_command import verify
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.retention_command import retention
from nova.core.store.archive import Archive
from nova.core.utc_day import day_of, is_day
from nova.core.writer.day_removal import BY_RULE
from nova.core.writer.retention import Retention
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.errors import NovaError
from nova.sdk.retention_rule import retention_rules
from tests.core.retaining import DAYS, KEPT_DAYS, KEPT_NS, DeathError, Retaining
from tests.core.telling import told

KEPT_DAY = day_of(KEPT_NS)
RULES = (f"sat/* {KEPT_DAYS}d files",)
OWN_AND_SHARED = 7
"""A limit of files per day by which some streams have files of their own, and others share one."""


def write_files(filled: Retaining, drivers: tuple[str, ...], files_max: int = 1_000) -> None:
    """What the process of daily files writes."""
    filled.sync()
    other = Archive.open_secondary(filled.data, filled.data.parent / "scratch")
    snapshot = ArchiveSnapshot(other)
    snapshot.advance(filled.committer.last_ns)
    registry = DriverRegistry.load(drivers)
    daily = DailyFiles(snapshot, registry, filled.data / "files", files_max=files_max)
    list(daily.follow(filled.committer.last_ns))
    daily.save()
    daily.close()
    other.close()


def held(data: Path) -> dict[str, int]:
    """The daily files of days, and their sizes."""
    root = data / "files"
    found = {path.relative_to(root): path.stat().st_size for path in root.rglob("*.*")}
    return {str(path): size for path, size in found.items() if is_day(path.parts[0])}


def is_going(path: str) -> bool:
    """Whether a file is of a deleted day and lane of the scope `sat`."""
    day, *folders, name = path.split("/")
    is_kept_lane = name.removeprefix("shared.").startswith("metadata.")
    return day < KEPT_DAY and folders[:1] == ["sat"] and not is_kept_lane


def filled_archive(tmp_path: Path) -> Retaining:
    filled = Retaining(tmp_path / "data", 60)
    filled.fill()
    return filled


def audited(filled: Retaining) -> tuple[int, int]:
    """Files and bytes by the audit trail."""
    found = [json.loads(event.stored) for event in told(filled.archive)]
    details = [one["payload"] for one in found if one.get("messageType") == "DayGivenBack"]
    return sum(one["files"] for one in details), sum(one["fileBytes"] for one in details)


@pytest.mark.parametrize(
    ("drivers", "files_max"),
    [(("mcap",), 1_000), (("rawBinary", "jsonl"), OWN_AND_SHARED)],
)
async def test_files_go_with_their_day_wherever_the_writer_dies(
    tmp_path: Path, drivers: tuple[str, ...], files_max: int
) -> None:
    filled = filled_archive(tmp_path)
    filled.rules = retention_rules(RULES)
    write_files(filled, drivers, files_max)
    before = held(filled.data)
    going = {path: size for path, size in before.items() if is_going(path)}
    assert going
    deaths = 0
    while True:
        try:
            await filled.give_back(commits=4 + deaths % 5)
            break
        except DeathError:
            deaths += 1
            filled.reopen()
    assert deaths > 5
    assert held(filled.data) == {path: before[path] for path in before.keys() - going.keys()}
    assert audited(filled) == (len(going), sum(going.values()))
    entries = filled.archive.given_back.entries
    assert sum(entry.files for entry in entries) == len(going)

    (filled.data / "files" / STATE_FILE).unlink()
    write_files(filled, drivers, files_max)
    assert {path for path in held(filled.data) if is_going(path)} <= {
        path for path in before if path.endswith((".mcap", "/shared.jsonl"))
    }, "made anew"


async def test_files_of_several_lanes_stay_until_the_last_one_goes(tmp_path: Path) -> None:
    filled = filled_archive(tmp_path)
    write_files(filled, ("mcap",))
    before = held(filled.data)
    filled.rules = retention_rules([f"sat/raw {KEPT_DAYS}d files", f"sat/ui {KEPT_DAYS}d files"])
    await filled.give_back()
    assert held(filled.data) == before
    filled.rules = retention_rules(RULES)
    await filled.give_back()
    assert not any(map(is_going, held(filled.data)))


async def test_files_stay_without_the_word(tmp_path: Path) -> None:
    filled = filled_archive(tmp_path)
    write_files(filled, ("jsonl",))
    before = held(filled.data)
    await filled.give_back()
    assert held(filled.data) == before


async def test_a_rule_that_keeps_files_does_not_finish_a_day_that_deletes_them(
    tmp_path: Path,
) -> None:
    filled = filled_archive(tmp_path)
    filled.rules = retention_rules(RULES)
    with pytest.raises(DeathError):
        await filled.give_back(commits=2)
    filled.reopen()
    retained = retention_rules([f"sat/* {KEPT_DAYS}d"])
    keeping = Retention(filled.committer, filled.submit, retained)
    with pytest.raises(NovaError, match="deletes daily files"):
        await keeping.give_back(BY_RULE)
    keeping.close()


def test_the_commands_show_and_count_files(tmp_path: Path) -> None:
    filled = filled_archive(tmp_path)
    write_files(filled, ("jsonl",), OWN_AND_SHARED)
    filled.archive.close()
    before = held(filled.data)
    config = tmp_path / "nova.toml"
    config.write_text(f'retention = ["sat/* {KEPT_DAYS}d files"]\ndata = "{filled.data}"\n')

    def call(command: str, *options: str) -> str:
        arguments = [command, "--config", str(config), *options]
        return CliRunner().invoke(retention, arguments, catch_exceptions=False).stdout

    shown, planned = call("plan"), msgspec.json.decode(call("plan", "--json"))
    done = msgspec.json.decode(call("run", "--json"))["days"]
    counts = [(day["day"], day["lane"], day["files"], day["fileBytes"]) for day in planned]
    assert counts == [(day["day"], day["lane"], day["files"], day["fileBytes"]) for day in done]
    gone = before.keys() - held(filled.data).keys()
    assert sum(day["files"] for day in done) == len(gone) > 0
    assert sum(day["fileBytes"] for day in done) == sum(before[path] for path in gone)
    assert f"{len(gone):,} daily files of" in shown
    assert len({day["day"] for day in done}) == DAYS - KEPT_DAYS
    verified = CliRunner().invoke(verify, ["--data", str(filled.data), "--json"])
    assert verified.exit_code == 0, verified.output
