"""Whether the files that a writer has open are still those that its archive's folder names.

A restore over a running archive, or a removal, leaves the folder in place and exchanges what is in
it. The writer's descriptors then lead to files without a name, and what it syncs there is lost when
it ends. RocksDB deletes only logs and MANIFESTs that it has replaced, so the newest of each that
this process has open must have its name. It reads `/proc/self/fd`; elsewhere than on Linux nothing
is known, and nothing is refused.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from nova.sdk.errors import ArchiveGoneError

DESCRIPTORS = Path("/proc/self/fd")
_DELETED = " (deleted)"
_NAMED = re.compile(r"(?P<before>MANIFEST-)?(?P<number>\d+)(?P<after>\.log)?", re.ASCII)


class _Open(NamedTuple):
    """An open file: its kind, the number in its name, that name, and its inode."""

    kind: str
    number: int
    name: str
    inode: int


class OwnFiles:
    """The newest log and MANIFEST that this process has open in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.realpath(folder)
        self._known: dict[str, _Open] = {}

    def require(self) -> None:
        """Raise ArchiveGoneError if a newest file no longer has its name; lists all descriptors of
        the process.
        """
        before = self._known = self._newest()
        if not self._lost(before):
            return
        # Between two looks RocksDB may go on to a new file and delete the other.
        self._known = self._newest()
        lost = [found for found in self._lost(self._known) if found in before.values()]
        if lost:
            path = Path(self._folder, lost[0].name)
            raise ArchiveGoneError(
                f"{path} is no longer the file that this writer has open: the files of the archive "
                "were removed or exchanged while NOVA ran. Nothing more is acknowledged. Stop NOVA "
                "before files are restored; then put back a whole copy, or what was there"
            )

    def require_known(self) -> None:
        """The same, quick enough for each commit: it lists the descriptors only if a known file has
        lost its name.
        """
        if self._lost(self._known):
            self.require()

    def _lost(self, known: dict[str, _Open]) -> list[_Open]:
        return [found for found in known.values() if self._inode(found.name) != found.inode]

    def _inode(self, name: str) -> int | None:
        try:
            return os.stat(os.path.join(self._folder, name)).st_ino
        except OSError:
            return None

    def _newest(self) -> dict[str, _Open]:
        newest: dict[str, _Open] = {}
        for descriptor in _descriptors():
            found = self._opened(descriptor)
            if found is not None:
                newest[found.kind] = max(found, newest.get(found.kind, found))
        return newest

    def _opened(self, descriptor: str) -> _Open | None:
        with contextlib.suppress(OSError):
            folder, name = os.path.split(os.readlink(DESCRIPTORS / descriptor))
            name = name.removesuffix(_DELETED)
            match = _NAMED.fullmatch(name) if folder == self._folder else None
            if match is not None and (match["before"] is None) != (match["after"] is None):
                return _Open(
                    match["after"] or "",
                    int(match["number"]),
                    name,
                    os.fstat(int(descriptor)).st_ino,
                )
        return None


def _descriptors() -> list[str]:
    try:
        return os.listdir(DESCRIPTORS)
    except OSError:
        return []
