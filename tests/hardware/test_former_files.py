"""A host takes over what one of an earlier version has left, once, whenever it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nova.hardware.command_journal import CommandJournal
from nova.hardware.database_file import FILE_NAME
from nova.hardware.device import Command
from nova.hardware.host_database import HostDatabase
from nova.hardware.host_outboxes import GAP
from nova.hardware.lost_records import pending_losses
from nova.hardware.outbox_log import OutboxLog
from nova.sdk import timestamps
from nova.sdk.errors import NovaError
from nova.sdk.events.envelope import MetadataEvent
from nova.sdk.transport.base import Record
from tests.hardware.bench_device import PUMP, BenchDevice, Line, command_record
from tests.hardware.former_writer import arrival, frame, result, write_journal, write_outbox
from tests.hardware.running_host import running
from tests.hardware.test_command_journal import NOW, RESULT, command
from tests.hardware.test_outbox_log import drain, records

LINK = "tape-1"
ROOT = Path(__file__).parents[2]


def write_former(folder: Path) -> None:
    """Two outboxes, one of them partly published, and a journal with a torn last line."""
    write_outbox(
        folder / "spool" / LINK / "readings",
        [records(0, 5), records(5, 700), records(705, 3)],
        published=(2, 100),
    )
    write_outbox(folder / "spool" / LINK / "held", [records(1000, 10)])
    write_outbox(folder / "spool" / "tape-2" / "answers", [[]], published=(1, 0))
    lines: list[dict[str, object]] = [{"stage": "forgotten", "before_ns": NOW - 50}]
    for number, stages in enumerate([["begun", "told"], ["begun", "ended"], ["begun"], []]):
        name = f"c{number}"
        lines.append(arrival(command(name), f"r{number}"))
        lines += [
            result(name, RESULT) if stage == "ended" else {"stage": stage, "command_id": name}
            for stage in stages
        ]
    write_journal(folder / "commands.jsonl", lines, rest=b'{"stage":"came","comm')


async def lost(_: object) -> None:
    """Nothing is lost here."""
    raise AssertionError


async def check_taken_over(folder: Path) -> None:
    """All that was not published is there once and in order, and the files are gone."""
    database = HostDatabase(folder)
    try:
        found = {
            kind: await drain(OutboxLog(database, LINK, kind, 2**20, lost))
            for kind in ("readings", "held")
        }
        assert found == {"readings": records(105, 603), "held": records(1000, 10)}
        journal = CommandJournal(database, 30, now_ns=lambda: NOW)
        assert journal.forgotten_before_ns == NOW - 50
        assert [journal.has_seen(f"c{n}", "") for n in range(5)] == [True] * 4 + [False]
        assert [journal.has_seen("", f"r{n}") for n in range(5)] == [True] * 4 + [False]
        assert journal.unfinished() == [
            (command("c1"), "ended", RESULT),
            (command("c2"), "begun", None),
            (command("c3"), "came", None),
        ]
    finally:
        database.close()
    assert {FILE_NAME, f"{FILE_NAME}-mark"} <= set(os.listdir(folder))
    assert not {"spool", "commands.jsonl"} & set(os.listdir(folder))


async def test_files_of_an_earlier_version_are_taken_over(tmp_path: Path) -> None:
    """And a second start finds nothing more to take over."""
    write_former(tmp_path)
    HostDatabase(tmp_path).close()
    await check_taken_over(tmp_path)


ALL_STEPS = "open os.rename os.remove os.rmdir sqlite3.connect/handle"
KILLED_AT_STEPS = """
    import os, pathlib, signal, sys
    from nova.hardware.host_database import HostDatabase
    from tests.hardware.test_former_files import write_former
    root, kills, steps = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split()

    def take_over(folder, left):
        def on_step(event, arguments):
            nonlocal left
            if event in steps:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(on_step)
        HostDatabase(folder).close()
        os._exit(0)

    for step in range(500):
        folder = root / str(step)
        folder.mkdir()
        write_former(folder)
        ends = []
        for _ in range(kills):
            if not (child := os.fork()):
                take_over(folder, step)
            ends.append(os.waitpid(child, 0)[1])
        assert set(ends) <= {0, signal.SIGKILL}, ends
        if ends[0] == 0:
            break
"""


@pytest.mark.parametrize(
    ("kills", "steps"),
    [
        (1, "os.remove"),
        pytest.param(1, ALL_STEPS, marks=pytest.mark.slow),
        pytest.param(2, ALL_STEPS, marks=pytest.mark.slow),
    ],
)
async def test_a_kill_on_the_way_loses_nothing_and_doubles_nothing(
    tmp_path: Path, kills: int, steps: str
) -> None:
    """Between any two of its steps, also of the host that continues after the first kill."""
    arguments = [sys.executable, "-c", textwrap.dedent(KILLED_AT_STEPS), str(tmp_path)]
    subprocess.run([*arguments, str(kills), steps], cwd=ROOT, check=True)
    folders = list(tmp_path.iterdir())
    assert len(folders) > 9
    for folder in folders:
        await check_taken_over(folder)


async def test_a_damaged_frame_is_told_and_what_is_behind_its_segment_comes(tmp_path: Path) -> None:
    """As the earlier version did, with a gap event of the bytes; also a torn last one."""
    folder = tmp_path / "spool" / LINK / "readings"
    write_outbox(folder, [records(0, 4), records(4, 4)])
    first, second = sorted(folder.glob("*.spool"))
    data = bytearray(first.read_bytes())
    good = sum(len(frame(record)) for record in records(0, 2))
    data[good + 20] ^= 0xFF
    first.write_bytes(data)
    second.write_bytes(second.read_bytes()[:-3])
    database = HostDatabase(tmp_path)
    found = await drain(OutboxLog(database, LINK, "readings", 2**20, lost))
    losses = database.call(pending_losses)
    database.close()
    assert found == [*records(0, 2), *records(4, 3)]
    assert [(one.link, one.kind, one.lost.size_bytes) for one in losses] == [
        (LINK, "readings", len(data) - good),
        (LINK, "readings", len(frame(records(7, 1)[0])) - 3),
    ]


def test_a_damaged_journal_stops_the_start(tmp_path: Path) -> None:
    """Rather no host than a command that is done twice; nothing is changed."""
    lines = [arrival(command(f"c{number}"), f"r{number}") for number in range(3)]
    path = tmp_path / "commands.jsonl"
    write_journal(path, lines)
    before = path.read_bytes().split(b"\n")
    before[1] = before[1][:10]
    path.write_bytes(b"\n".join(before))
    for _ in range(2):
        with pytest.raises(NovaError, match="line 2"):
            HostDatabase(tmp_path)
    assert path.read_bytes() == b"\n".join(before)


@pytest.mark.parametrize(
    ("stage", "member"),
    [
        ("forgotten", "before_ns"),
        ("came", "command_id"),
        ("came", "request_id"),
        ("came", "target"),
        ("came", "command_type"),
        ("came", "payload"),
        ("came", "source_ns"),
        ("begun", "command_id"),
        ("ended", "value"),
        ("ended", "address"),
        ("told", "command_id"),
    ],
)
def test_a_line_with_another_member_stops_the_start(
    tmp_path: Path, stage: str, member: str
) -> None:
    """One changed letter in a member's name: nothing is taken for it, and the file stays."""
    lines: list[dict[str, object]] = [
        {"stage": "forgotten", "before_ns": NOW},
        arrival(command("c0"), "r0"),
        {"stage": "begun", "command_id": "c0"},
        result("c0", RESULT),
        {"stage": "told", "command_id": "c0"},
    ]
    number = next(at for at, line in enumerate(lines) if line["stage"] == stage)
    lines[number][f"{member}x"] = lines[number].pop(member)
    path = tmp_path / "commands.jsonl"
    write_journal(path, lines)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(NovaError, match=f"line {number + 1} .*{member}"):
            HostDatabase(tmp_path)
    assert path.read_bytes() == before


async def test_a_downgrade_and_an_upgrade_lose_nothing(tmp_path: Path) -> None:
    """What the earlier version wrote meanwhile comes after what was there."""
    folder = tmp_path / "spool" / LINK / "readings"
    for number in range(3):
        write_outbox(folder, [records(number * 10, 10)])
        HostDatabase(tmp_path).close()
    database = HostDatabase(tmp_path)
    assert await drain(OutboxLog(database, LINK, "readings", 2**20, lost)) == records(0, 30)
    database.close()


async def test_a_host_goes_on_where_the_earlier_one_stopped(tmp_path: Path) -> None:
    """It answers what was left over, knows what was done, and publishes what was kept."""
    line = Line()
    at_ns = timestamps.now()
    link = f"tape-{'0' * 12}"
    known = [Command(f"c{number}", PUMP, "pump.set", {}, at_ns) for number in range(2)]
    write_journal(
        tmp_path / "commands.jsonl",
        [
            arrival(known[0], "r-c0"),
            {"stage": "begun", "command_id": "c0"},
            {"stage": "told", "command_id": "c0"},
            arrival(known[1], "r-c1"),
            {"stage": "begun", "command_id": "c1"},
        ],
    )
    broken = tmp_path / "spool" / link / "readings"
    write_outbox(broken, [[Record(None, b"x")]])
    (broken / f"{1:016d}.spool").write_bytes(b"rubbish")
    device = BenchDevice()
    async with running(tmp_path, {"pump": device}, line):
        for name in ("c0", "c1", "c2"):
            line.dispatch(command_record(name, at_ns=at_ns))
        results = await line.results(2)
        (gap,) = await line.until(GAP)
    assert [(one.command_id, one.status) for one in results] == [
        ("c1", "failure"),
        ("c2", "success"),
    ]
    assert "unknown" in str(results[0].error_message)
    assert [one.command_id for one in device.done] == ["c2"]
    assert isinstance(gap.envelope, MetadataEvent)
    assert gap.envelope.payload["bytes"] == len(b"rubbish")
    assert gap.envelope.payload["link"] == link
