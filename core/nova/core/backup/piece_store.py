"""The pieces of files in a target, named by their SHA-256, so that equal pieces are stored once.

Every piece is read back after it was written.
"""

from __future__ import annotations

import hashlib
import re

from nova.core.backup.backup_target import BackupTarget
from nova.sdk.errors import NovaError

PIECES_FOLDER = "pieces"
PIECE_BYTES = 8 * 1024 * 1024
"""A log that has grown shares its beginning with the one before, in pieces of this size."""

_NAME = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{62}")


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def is_piece(name: str) -> bool:
    """Whether an object of this name below PIECES_FOLDER is a piece, not somebody else's."""
    return _NAME.fullmatch(name) is not None


class PieceStore:
    """The pieces of one target; it lists them once. With `verify_all` a piece counts as stored only
    once it was read back, also if an earlier backup has written it.
    """

    def __init__(self, target: BackupTarget, *, verify_all: bool = False) -> None:
        self._target = target
        self._verify_all = verify_all
        self._sizes = {
            name.rpartition("/")[2]: size
            for name, size in target.sizes(PIECES_FOLDER).items()
            if is_piece(name)
        }
        self.written: set[str] = set()
        """The pieces that this object has written."""

        self.written_bytes = 0
        self.repaired = 0
        """Pieces that were found damaged."""

    def holds(self, pieces: list[str], size: int) -> bool:
        """Whether the target has all of these pieces, and they have this size together."""
        if sum(self._sizes.get(piece, 0) for piece in pieces) != size:
            return False
        # All are looked at, so that each that is damaged is written again.
        return not self._verify_all or all([self._is_sound(piece) for piece in pieces])

    def put(self, content: bytes) -> str:
        """Store a piece unless it is there in this size; returns its name."""
        piece = digest_of(content)
        if self._sizes.get(piece) == len(content) and self._verify_all:
            self._is_sound(piece)
        if self._sizes.get(piece) != len(content):
            self._target.write(_path(piece), content)
            self.read(piece)
            self._sizes[piece] = len(content)
            self.written.add(piece)
            self.written_bytes += len(content)
        return piece

    def read(self, piece: str) -> bytes:
        """The content of a piece; raises NovaError if it is missing or not what was written."""
        content = self._target.read(_path(piece))
        if digest_of(content) != piece:
            raise NovaError(
                f"{_path(piece)} in {self._target} is damaged: it does not have the digest that it "
                "had when it was written"
            )
        return content

    def _is_sound(self, piece: str) -> bool:
        """Whether a piece is what was written; forgets one that is not, so that it is replaced."""
        if piece in self.written:
            return True
        try:
            self.read(piece)
        except NovaError:
            self._sizes.pop(piece, None)
            self.repaired += 1
            return False
        return True

    def discard_written(self) -> None:
        """Remove what this object has written: a backup that has filled a disk gives it back."""
        while self.written:
            self._remove(self.written.pop())

    def remove_except(self, needed: set[str]) -> int:
        """Remove all other pieces; returns their bytes."""
        unneeded = {piece: size for piece, size in self._sizes.items() if piece not in needed}
        for piece in unneeded:
            self._remove(piece)
        return sum(unneeded.values())

    def _remove(self, piece: str) -> None:
        self._target.remove(_path(piece))
        self._sizes.pop(piece, None)


def _path(piece: str) -> str:
    return f"{PIECES_FOLDER}/{piece[:2]}/{piece}"
