"""Adds users to an edge's database, and appends to a journal what has been added.

python -m tests.faults.adding_users FOLDER JOURNAL FIRST COUNT
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from nova.edge.actor import Actor
from nova.edge.user_store import UserStore
from tests.faults.disk_journal import acknowledgement


def add_users(folder: Path, journal: Path, numbers: range) -> None:
    """Each with its audit entry in the same transaction."""
    file = os.open(journal, os.O_WRONLY | os.O_APPEND)
    store = UserStore(folder)
    for number in numbers:
        name = f"u{number}"
        if store.get(name) is None:
            assert store.add(name, "hash" * 30, "viewer", by=Actor("root", "user"))
        os.write(file, acknowledgement(number + 1))


if __name__ == "__main__":
    folder, journal, first, count = sys.argv[1:]
    add_users(Path(folder), Path(journal), range(int(first), int(first) + int(count)))
    os.kill(os.getpid(), signal.SIGKILL)
