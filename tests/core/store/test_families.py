"""Reading rows of a family by their keys, also of many keys by several threads."""

from __future__ import annotations

import os
import threading
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rocksdict import Rdict

from nova.core.errors import ArchiveDamagedError
from nova.core.store.archive import Archive
from nova.core.store.families import SPLIT_MIN_KEYS, Families
from tests.laws import law

ROWS = 2_000


def key(number: int) -> bytes:
    return number.to_bytes(4, "big")


@law(40)
@given(
    numbers=st.lists(st.integers(0, 2 * ROWS), max_size=60),
    times=st.integers(1, SPLIT_MIN_KEYS // 10),
)
def test_each_key_gives_its_value(numbers: list[int], times: int, archive: Archive) -> None:
    """Absent, repeated and in any order."""
    for number in range(0, 2 * ROWS, 2):
        archive.families["source"].put(key(number), b"%d" % number)
    wanted = numbers * times
    found = archive.families.read_many("source", [key(number) for number in wanted])
    assert found == [
        b"%d" % number if number % 2 == 0 and number < 2 * ROWS else None for number in wanted
    ]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_looks_up_too(archive: Archive) -> None:
    """It has none of the threads that its parent looked up with."""
    keys = [key(number) for number in range(SPLIT_MIN_KEYS)]
    assert archive.families.read_many("source", keys) == [None] * len(keys)
    child = os.fork()
    if not child:
        os._exit(archive.families.read_many("source", keys) != [None] * len(keys))
    assert os.waitpid(child, 0)[1] == 0


def test_a_block_that_cannot_be_read_is_damage(archive: Archive) -> None:
    """For many keys as for one."""
    family = archive.families["source"]
    for number in range(ROWS):
        family.put(key(number), os.urandom(64))
    family.flush()
    (table,) = archive.path.glob("*.sst")
    with table.open("r+b") as file:
        file.write(b"?" * 60_000)
    keys = [key(number) for number in range(ROWS)]
    with pytest.raises(ArchiveDamagedError, match="source"):
        archive.families.read_many("source", keys)


class HalfDamaged:
    """A family whose first block cannot be read; the others are read slowly."""

    def __init__(self) -> None:
        self.reading = 0
        self.at_work = threading.Event()

    def get(self, keys: list[bytes]) -> list[bytes | None]:
        if key(0) in keys:
            self.at_work.wait()
            raise OSError("unreadable block")
        self.reading += 1
        self.at_work.set()
        threading.Event().wait(0.05)
        self.reading -= 1
        return list(keys)


def test_after_a_fault_no_thread_reads_on(archive: Archive) -> None:
    """The caller closes what it found damaged."""
    family = HalfDamaged()
    families = Families(archive.path)
    families["source"] = cast(Rdict, family)
    with pytest.raises(ArchiveDamagedError, match="unreadable block"):
        families.read_many("source", [key(number) for number in range(ROWS)])
    assert family.reading == 0
