"""A data folder that is copied while its writer works: the copy is whole or refused."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.__main__ import memory_folder
from tests.faults.copied_archive import copies
from tests.faults.forked_writers import writer_fork

SOME, MANY = 3, 30


def copied(seed: int, count: int) -> None:
    """Make `count` copies of one archive."""
    with writer_fork() as fork, memory_folder() as folder:
        outcomes, faults = asyncio.run(copies(seed, count, folder, fork))
    print(outcomes)
    assert faults == []
    assert sum(outcomes.values()) == count


def test_some_copies_of_a_running_archive() -> None:
    """A-299: none opens as a shorter one than was acknowledged when the copy began."""
    copied(1, SOME)


@pytest.mark.slow
def test_many_copies_of_a_running_archive() -> None:
    """The same for longer."""
    copied(2, MANY)
