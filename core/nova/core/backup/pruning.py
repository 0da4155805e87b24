"""Removes old generations and the pieces that no generation needs any more."""

from __future__ import annotations

from typing import NamedTuple

from nova.core.backup.backup_target import BackupTarget, TargetLock
from nova.core.backup.generation import (
    Generation,
    LaterGenerationError,
    UnreadableGenerationError,
    generation_names,
    read_generation,
    remove_generation,
)
from nova.core.backup.piece_store import PieceStore
from nova.sdk.errors import NovaError


class Pruned(NamedTuple):
    """What was removed: the names of generations, and the bytes of pieces."""

    generations: list[str]
    freed_bytes: int


def prune(target: BackupTarget, pieces: PieceStore, lock: TargetLock, keep: int | None) -> Pruned:
    """Keep the newest `keep` generations (None: all) and every piece that one of them needs.

    Generations go before their pieces, so an interrupted pruning leaves pieces without a
    generation, never a generation without its pieces; the next pruning removes these pieces. Raises
    NovaError, before anything is removed, if any generation cannot be read: nobody knows what it
    needs, and one of a later NOVA may be the only good one.
    """
    names = generation_names(target)
    kept = names if keep is None else names[-keep:]
    needed: set[str] = set()
    for name in names:
        pieces_of = _readable(target, name).pieces()
        if name in kept:
            needed |= pieces_of
    lock.require()
    removed = names[: len(names) - len(kept)]
    for name in removed:
        remove_generation(target, name)
    return Pruned(removed, pieces.remove_except(needed))


def _readable(target: BackupTarget, name: str) -> Generation:
    try:
        return read_generation(target, name)
    except LaterGenerationError:
        raise
    except UnreadableGenerationError as error:
        raise NovaError(
            f"{error}. Nothing was removed; the new backup is stored. Move the damaged file out of "
            "the target"
        ) from error
