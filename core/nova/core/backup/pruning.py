"""Removes old generations and the pieces that no generation needs any more."""

from __future__ import annotations

from typing import NamedTuple

from nova.core.backup.backup_target import BackupTarget, TargetLock
from nova.core.backup.generation import generation_names, read_generation, remove_generation
from nova.core.backup.piece_store import PieceStore


class Pruned(NamedTuple):
    """What was removed: the names of generations, and the bytes of pieces."""

    generations: list[str]
    freed_bytes: int


def prune(target: BackupTarget, pieces: PieceStore, lock: TargetLock, keep: int | None) -> Pruned:
    """Keep the newest `keep` generations (None: all) and every piece that one of them needs.

    Generations go before their pieces, so an interrupted pruning leaves pieces without a
    generation, never a generation without its pieces; the next pruning removes these pieces. Raises
    NovaError, before anything is removed, if a generation that is kept cannot be read.
    """
    names = generation_names(target)
    kept = names if keep is None else names[-keep:]
    needed: set[str] = set()
    for name in kept:
        needed |= read_generation(target, name).pieces()
    lock.require()
    removed = names[: len(names) - len(kept)]
    for name in removed:
        remove_generation(target, name)
    return Pruned(removed, pieces.remove_except(needed))
