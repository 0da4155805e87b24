"""`nova proof`, checked by the very script of docs/proof.md, which knows nothing of NOVA."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from nova.core.proof.event_proof import EventProof
from nova.core.store.roots_file import roots_path
from nova.core.utc_day import NS_PER_DAY
from nova.sdk import timestamps
from tests.command_here import command_here
from tests.core.conftest import Make
from tests.core.derived.sealing import DAY_NS, SealedArchive
from tests.test_tidy import ROOT

SCRIPT_MAX_LINES = 40
EVENTS = 11


@pytest.fixture
async def proved(tmp_path: Path, record: Make) -> tuple[Path, list[bytes]]:
    """A closed archive with sealed days, and its events in canonical order."""
    made = SealedArchive(tmp_path / "archive")
    for day in range(2):
        lanes = ("parsed", "raw", "ui")
        numbers = range(day * EVENTS, day * EVENTS + EVENTS)
        made.put(DAY_NS + day * NS_PER_DAY, [record(n, lane=lanes[n % 3]) for n in numbers])
    made.clock.ns = DAY_NS + 3 * NS_PER_DAY
    await made.seal_all()
    stored = [stored for _, stored in made.archive.events.scan("canonical")]
    made.close()
    return made.data, stored


@pytest.fixture
def check_proof(tmp_path: Path) -> Callable[[EventProof, Path], str]:
    """Runs the script of the page; returns what it prints."""
    page = (ROOT / "docs" / "proof.md").read_text()
    (script,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(script.splitlines()) <= SCRIPT_MAX_LINES
    (tmp_path / "check_proof.py").write_text(script)

    def run(proof: EventProof, roots: Path) -> str:
        (tmp_path / "proof.json").write_bytes(msgspec.json.encode(proof))
        command = [sys.executable, "-I", "check_proof.py", "proof.json", str(roots)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == (1 if done.stdout == "NOT PROVED\n" else 0), done.stderr
        return done.stdout.strip()

    return run


def proof_of(data: Path, stored: bytes, *arguments: str) -> EventProof:
    event_id = msgspec.json.decode(stored)["eventId"]
    done = command_here("proof", event_id, "--data", str(data), *arguments)
    return msgspec.json.decode(done.stdout, type=EventProof)


def test_every_kind_of_event_is_proved(
    proved: tuple[Path, list[bytes]], check_proof: Callable[[EventProof, Path], str]
) -> None:
    """Also without its time, and also one of a day of another size."""
    data, stored = proved
    for place in (0, 1, 2, EVENTS - 1, EVENTS):
        members = msgspec.json.decode(stored[place])
        at = () if place else ("--at", members["sourceTruthTime"])
        found = proof_of(data, stored[place], *at)
        assert found.envelope.encode() == stored[place]
        day = members["canonicalTruthTime"][:10]
        assert check_proof(found, roots_path(data)) == (f"{members['eventId']} was sealed on {day}")


def test_whatever_is_changed_is_not_proved(
    proved: tuple[Path, list[bytes]],
    check_proof: Callable[[EventProof, Path], str],
    tmp_path: Path,
) -> None:
    data, stored = proved
    right, roots = proof_of(data, stored[4]), roots_path(data)
    replace = msgspec.structs.replace
    digit = "1" if right.seal.root[0] == "0" else "0"
    wrong = [
        replace(right, envelope=right.envelope.replace("00.0", "00.1", 1)),
        replace(right, event=replace(right.event, index=right.event.index ^ 1)),
        replace(right, event=replace(right.event, path=right.event.path[:-1])),
        replace(right, group=replace(right.group, events=right.group.events + 1)),
        replace(right, seal=replace(right.seal, root=digit + right.seal.root[1:])),
        replace(right, seal=replace(right.seal, day="2026-01-02")),
    ]
    for one in wrong:
        assert check_proof(one, roots) == "NOT PROVED"
    others = tmp_path / "others.jsonl"
    others.write_bytes(roots.read_bytes().splitlines(keepends=True)[1])
    assert check_proof(right, others) == "NOT PROVED"
    assert check_proof(right, roots) != "NOT PROVED"


def test_what_cannot_be_proved_is_said(proved: tuple[Path, list[bytes]]) -> None:
    data, stored = proved
    unsealed = msgspec.json.decode(stored[-1])["eventId"]
    other_time = timestamps.text(DAY_NS - 1)
    first = msgspec.json.decode(stored[0])["eventId"]
    for arguments, reason in (
        (("12",), "'12' is no eventId"),
        (("ab" * 32,), "the archive holds no event abab"),
        ((first, "--at", other_time), "with the source time 2025-12-31T23:59:59.999999999Z"),
        ((unsealed,), "2026-01-04, is not sealed yet"),
    ):
        done = command_here("proof", *arguments, "--data", str(data))
        assert done.returncode == 1 and reason in done.stderr.decode()
