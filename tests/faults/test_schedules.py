"""Kills, failing calls of the system and power cuts: nothing is lost, doubled, made up or out of
order, and every writer starts again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from tests.faults.__main__ import run_schedules
from tests.faults.forked_writers import WriterFork, writer_fork
from tests.faults.schedules import Kind

LIVES = {"kills": 4, "calls": 3, "cuts": 2}
SEEDS, MANY_LIVES, MANY_SEEDS = range(3, 4), 10, range(100, 110)


@pytest.fixture(scope="module")
def fork() -> Iterator[WriterFork]:
    """Forks the writers of this module."""
    with writer_fork() as one:
        yield one


@pytest.mark.parametrize("kind", LIVES)
def test_some_faults(fork: WriterFork, kind: Kind) -> None:
    """A-025…A-032, A-299: a few lives of each kind."""
    figures, faults = run_schedules(kind, SEEDS, LIVES[kind], fork)
    assert faults == []
    assert figures["acknowledged events"] > 0
    assert figures["kills"] + figures["call faults"] + figures["power cuts"] >= LIVES[kind] // 2


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", get_args(Kind))
def test_many_faults(fork: WriterFork, kind: Kind) -> None:
    """The same with ten seeds."""
    figures, faults = run_schedules(kind, MANY_SEEDS, MANY_LIVES, fork)
    print(figures)
    assert faults == []
