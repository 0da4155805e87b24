"""The memory of commands: at most once, whatever dies between (pitfalls row 32)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.hardware import command_journal as memories
from nova.hardware.command_journal import CommandJournal
from nova.hardware.device import Command
from nova.sdk.errors import NovaError
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record
from tests.hardware.bench_device import PUMP

NOW = 1_800_000_000 * NS_PER_SECOND
RESULT = Record("nova.lab.command.c1:CommandResult.v1", b'{"status":"success"}')


def command(command_id: str = "c1", at_ns: int = NOW) -> Command:
    """A command of some time."""
    return Command(command_id, PUMP, "pump.set", {"rate": 2}, at_ns)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the memory lies."""
    return tmp_path / "commands.jsonl"


def test_knows_a_command_by_either_id(path: Path) -> None:
    """A repeat has the same requestId, or comes with the same commandId; also after a restart."""
    memory = CommandJournal(path, 30)
    assert not memory.has_seen("c1", "r1")
    memory.record_arrival(command(), "r1", NOW)
    memory.close()
    again = CommandJournal(path, 30)
    for one in (memory, again):
        assert one.has_seen("c1", "r1")
        assert one.has_seen("c2", "r1")
        assert one.has_seen("c1", "r2")
        assert not one.has_seen("c2", "r2")
    again.close()


@pytest.mark.parametrize("stage", ["came", "begun", "ended", "told"])
async def test_a_kill_leaves_the_stage_that_was_reached(path: Path, stage: str) -> None:
    """The next process knows what is still to be answered, and with what."""
    memory = CommandJournal(path, 30)
    memory.record_arrival(command(), "r1", NOW)
    if stage != "came":
        await memory.record_start(command())
    if stage in ("ended", "told"):
        memory.record_result(command(), RESULT)
    if stage == "told":
        memory.record_published(command())
    memory.close()
    again = CommandJournal(path, 30)
    expected = {
        "came": [(command(), "came", None)],
        "begun": [(command(), "begun", None)],
        "ended": [(command(), "ended", RESULT)],
        "told": [],
    }
    assert again.unfinished() == expected[stage]
    again.close()
    third = CommandJournal(path, 30)  # which the second has rewritten
    assert third.unfinished() == expected[stage]
    assert third.has_seen("c1", "r1")
    third.close()


def test_a_torn_last_line_is_a_command_that_never_began(path: Path) -> None:
    """It was not durable, so nothing was done for it."""
    memory = CommandJournal(path, 30)
    memory.record_arrival(command("c1"), "r1", NOW)
    memory.record_arrival(command("c2"), "r2", NOW)
    memory.close()
    path.write_bytes(path.read_bytes()[:-5])
    again = CommandJournal(path, 30)
    assert again.has_seen("c1", "r1")
    assert not again.has_seen("c2", "r2")
    again.close()


def test_damage_in_the_middle_stops_the_start(path: Path) -> None:
    """Rather no host than a command that is done twice."""
    memory = CommandJournal(path, 30)
    for number in range(3):
        memory.record_arrival(command(f"c{number}"), f"r{number}", NOW)
    memory.close()
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2][:10]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(NovaError, match="line 3"):
        CommandJournal(path, 30)


def test_is_bounded_and_remembers_how_far_it_forgot(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is older than the greatest age is forgotten, and never becomes new again."""
    monkeypatch.setattr(memories, "KEPT_MIN", 10)
    monkeypatch.setattr(memories, "FILE_MAX_BYTES", 4096)
    memory = CommandJournal(path, 30)
    sizes = []
    for number in range(400):
        at_ns = NOW + number * NS_PER_SECOND
        one = command(f"c{number}", at_ns)
        memory.record_arrival(one, f"r{number}", at_ns)
        memory.record_result(one, RESULT)
        memory.record_published(one)
        sizes.append(path.stat().st_size)
    assert max(sizes) < 32 * 1024
    assert memory.has_seen("c399", "r399")
    assert memory.has_seen("c370", "r370")
    assert not memory.has_seen("c100", "r100")
    assert NOW + 100 * NS_PER_SECOND < memory.forgotten_before_ns < NOW + 370 * NS_PER_SECOND
    memory.close()
    again = CommandJournal(path, 30)
    assert again.has_seen("c370", "r370")
    assert again.has_seen("c100", "r100") or again.forgotten_before_ns > NOW + 100 * NS_PER_SECOND
    again.close()


def test_too_many_young_commands_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is forgotten while it could be done again."""
    monkeypatch.setattr(memories, "KEPT_MIN", 5)
    monkeypatch.setattr(memories, "ENTRIES_MAX", 5)
    memory = CommandJournal(path, 30)
    for number in range(5):
        memory.record_arrival(command(f"c{number}"), f"r{number}", NOW)
    with pytest.raises(NovaError, match="5 commands"):
        memory.record_arrival(command("c5"), "r5", NOW)
    assert not memory.has_seen("c5", "r5")
    memory.close()


def test_what_is_not_answered_is_not_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that takes longer than its age still gets its one result after a kill."""
    monkeypatch.setattr(memories, "KEPT_MIN", 1)
    memory = CommandJournal(path, 30)
    memory.record_arrival(command("long"), "r-long", NOW)
    for number in range(5):
        at_ns = NOW + (100 + number) * NS_PER_SECOND
        memory.record_arrival(command(f"c{number}", at_ns), f"r{number}", at_ns)
        memory.record_published(command(f"c{number}", at_ns))
    assert memory.has_seen("long", "r-long")
    memory.close()
    again = CommandJournal(path, 30)
    assert [one.command_id for one, _, _ in again.unfinished()] == ["long"]
    again.close()
