"""Lines of ASC: each that is not whole is one problem, and what is no frame is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.recordings.asc_lines import CUT, NO_FRAME, asc_frames
from nova.recordings.can_message import MeasuredFrame

HEAD = (
    "date Fri Jul 26 01:20:00.000 PM 2024\nbase hex  timestamps absolute\n"
    "no internal events logged\n"
)
FIRST = "   0.500000 1  309             Rx   d 4 11 22 33 44\n"
LAST = "   0.700000 1  18FEBF00x       Tx   d 2 55 66\n"
DAMAGED = (
    "0.6 1 309 Xx d 4 11 22 33 44",
    "0.6 1 309 R",
    "0.6 1 309 Rx",
    "0.6 1 309",
    "0.6 1",
    "0.6",
    "0,6 1 309 Rx d 4 11 22 33 44",
    "garbage",
    "99999999999999 1 309 Rx d 4 11 22 33 44",
    "1e400 1 309 Rx d 4 11 22 33 44",
    "nan 1 309 Rx d 4 11 22 33 44",
    "-5 1 309 Rx d 4 11 22 33 44",
    "0.6 1 309 Rx d 9 11",
    "0.6 1 309 Rx d 4 11 22 33",
    "0.6 1 309 Rx d 4 11 22 33 444",
    "0.6 1 309 Rx d 10 11 22",
    "0.6 1 309 Rx x 4 11 22 33 44",
    "0.6 1 809 Rx d 1 11",
    "0.6 1 3FFFFFFFx Rx d 1 11",
    "0.6 1 Engine Rx d 1 11",
    "0.6 CANFD 1 Rx 309 0 0 4 4 11 22 33",
    "0.6 CANFD 1 Rx",
    "0.6 1 309 Rx d 4 11 22 33 44" + " " * 4096 + "55",
)
BESIDE_FRAMES = (
    "",
    "// a comment",
    "Begin Triggerblock Fri Jul 26 01:20:00.000 PM 2024",
    "End TriggerBlock",
    "previous log file: car.asc",
    "0.6 Start of measurement",
    "0.6 log trigger event",
    "0.6 CAN 1 Status:chip status error active",
    "0.6 SV: 1 0 0 ::speed = 1",
    "0.6 1 Statistic: D 1 R 0 XD 0 XR 0 E 0 O 0 B 0.02%",
    "0.6 1 OverloadFrame",
    "0.6 1 J1939TP FEE3p 6 0 0 - Rx d 23 A0 0F A6 60",
    "0.6 1 309 TxRq d 1 11",
    "0.6 Li 1 Tx 2 11 22",
)


def read(tmp_path: Path, *lines: str, end: str = LAST) -> list[MeasuredFrame]:
    """The places of a log with these lines between two frames."""
    path = tmp_path / "car.asc"
    path.write_text(HEAD + FIRST + "".join(f"{line}\n" for line in lines) + end)
    return list(asc_frames(path))


@pytest.mark.parametrize("number", range(len(DAMAGED)))
def test_a_damaged_line_is_one_problem(tmp_path: Path, number: int) -> None:
    first, damaged, last = read(tmp_path, DAMAGED[number])
    assert (damaged.place, damaged.problem, damaged.frame) == ("line 5", NO_FRAME, None)
    assert first.frame is not None and first.frame.data == bytes.fromhex("11223344")
    assert last.frame is not None and last.frame.id == "18FEBF00"


def test_each_damaged_line_is_its_own(tmp_path: Path) -> None:
    """One behind the other, also at the end."""
    found = read(tmp_path, *DAMAGED, end="")
    assert [one.place for one in found[1:]] == [f"line {at}" for at in range(5, 5 + len(DAMAGED))]
    assert {one.problem for one in found[1:]} == {NO_FRAME}


def test_lines_beside_frames_are_none(tmp_path: Path) -> None:
    """Comments, events and states of a bus have no frame to lose."""
    found = read(tmp_path, *BESIDE_FRAMES)
    assert [one.problem for one in found] == [None, None]


def test_frames_of_all_kinds_are_whole(tmp_path: Path) -> None:
    """A length code beyond 8, remote frames with and without a length, FD, an error."""
    found = read(
        tmp_path,
        "0.6 1 309 Rx d f 1 2 3 4 5 6 7 8 Length = 240000 BitCount = 124 ID = 777",
        "0.6 1 309 Rx d 0",
        "0.6 1 309 Rx r",
        "0.6 1 309 Rx r 4 Length = 0",
        "0.6 CANFD 1 Rx 309 0 0 4 4 11 22 33 44 0 0 1000 0 0 0 0 0",
        "0.6 1 ErrorFrame",
    )
    assert [one.problem for one in found] == [None] * 8
    frames = [one.frame for one in found if one.frame is not None]
    assert [frame.data.hex() for frame in frames[1:-1]] == [
        *("0102030405060708", "", "", ""),
        *("11223344", ""),
    ]
    assert [frame.remote for frame in frames[3:5]] == [True, True]


@pytest.mark.parametrize("text", ["   0.700000 1  309  Rx  d 2 5", "0.7", "   0.7 1 30"])
def test_a_last_line_that_is_cut_is_one_problem(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, end=text)
    assert [one.problem for one in found] == [None, CUT]
