"""Kills migrations of one archive at each of their steps, and starts each again.

    python migration_kills.py ARCHIVE.tar.xz FOLDER EVERY

A step is whatever Python asks the system for that may change a file. Every run is a process of its
own, forked before RocksDB is first used. Prints the number of kills as its last line.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tarfile
from pathlib import Path

from nova.core.store import migration
from nova.core.store.former_layout import FormerArchive

STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "ctypes")
EVENTS = 240


def migrate(data: Path, last: int) -> None:
    """Migrate; the process kills itself at its step `last` (0: never)."""
    left = last

    def step(event: str, _: object) -> None:
        nonlocal left
        if event.startswith(STEPS):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if last:
        sys.addaudithook(step)
    with migration.locked_archive(data):
        migration.migrate(migration.plan(data))


def verify(data: Path, *, is_final: bool) -> None:
    """The old archive or the new one is there, whole."""
    wanted = migration.plan(data)
    assert wanted.layout in (("3",) if is_final else ("1", "3")), wanted
    assert wanted.events == EVENTS
    if is_final:
        assert {path.name for path in data.iterdir()} == {"truth", "truth.layout-1", "witness.json"}
        with contextlib.closing(FormerArchive(data / "truth.layout-1")) as kept:
            assert kept.layout() == b"1" and kept.digests().events == EVENTS


def run(work: object, *arguments: object, **options: object) -> int:
    """Run a function in a forked process; returns how that ended."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            work(*arguments, **options)  # type: ignore[operator]
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main(source: str, folder: Path, every: int) -> None:
    """Kill at every n-th step until a migration has fewer."""
    last, kills, status = 1, 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        data = folder / str(last)
        with tarfile.open(source) as archive:
            archive.extractall(data, filter="data")
        status = run(migrate, data, last)
        assert status in (0, -signal.SIGKILL), (last, status)
        assert run(verify, data, is_final=False) == 0, last
        assert run(migrate, data, 0) == 0, last
        assert run(verify, data, is_final=True) == 0, last
        shutil.rmtree(data)
        kills += status != 0
        last += every
    print(kills)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
