"""Test files are spread so that waiting and computing go on at once."""

from __future__ import annotations

from pathlib import Path

from tests.file_order import LONGEST, spread

WAITING = [Path("tests/e2e") / f"test_{number}.py" for number in range(10)]
COMPUTING = [Path("tests/core") / f"test_{number}.py" for number in range(40)]


def test_each_file_has_its_place_and_the_last_quarter_is_short() -> None:
    order = spread([*COMPUTING, *WAITING])
    assert sorted(order) == sorted([*COMPUTING, *WAITING])
    assert [file for file in order if file in WAITING] == WAITING
    assert [file for file in order if file in COMPUTING] == COMPUTING
    assert [file in WAITING for file in order[:40]] == [True, False, False, False] * 10
    assert not set(order[40:]) & set(WAITING)


def test_only_one_kind_keeps_its_order() -> None:
    assert spread(WAITING) == WAITING
    assert spread(COMPUTING) == COMPUTING


def test_what_is_named_exists() -> None:
    root = Path(__file__).parent
    for name in LONGEST:
        assert list(root.rglob(name)), name
