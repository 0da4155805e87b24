"""What a place is used for: which names are its own there, and how its errors call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from nova.core.backup.generation import GENERATIONS_FOLDER, generation_names, is_generation
from nova.core.backup.piece_store import PIECES_FOLDER, is_piece

if TYPE_CHECKING:
    from nova.core.backup.backup_target import BackupTarget


class TargetUse(NamedTuple):
    """`work` is what writes there, one at a time; `content` what it leaves, as `… are damaged`."""

    work: str
    content: str
    is_root_name: Callable[[str], bool]
    """Whether an entry of the place may be of this use."""

    is_own: Callable[[str], bool]
    """Whether an object is of this use, by its whole name."""

    is_in_use: Callable[[BackupTarget], bool]
    """Whether the place is used so already, whatever else it has."""


def _is_backed_up(name: str) -> bool:
    folder, _, rest = name.partition("/")
    if folder == PIECES_FOLDER:
        return is_piece(rest)
    return folder == GENERATIONS_FOLDER and is_generation(rest)


BACKUPS = TargetUse(
    "backup",
    "the backups",
    lambda name: name in (PIECES_FOLDER, GENERATIONS_FOLDER),
    _is_backed_up,
    lambda target: bool(generation_names(target)),
)
