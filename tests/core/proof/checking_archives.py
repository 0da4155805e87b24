"""Checks an archive in this process, in small pieces."""

from __future__ import annotations

import tempfile
from pathlib import Path

from nova.core.proof.kept_roots import kept_roots
from nova.core.proof.verification import InProcess, Verification, VerifyReport
from nova.core.store.secondary import open_secondary_archive

MEMORY_BYTES = 8 * 1024 * 1024


def verified(
    data: Path, roots: Path | None = None, *, day: str | None = None, piece_events: int = 100
) -> VerifyReport:
    """What the check finds."""
    kept = kept_roots(data, roots)
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_secondary_archive(data, Path(scratch), MEMORY_BYTES) as archive,
    ):
        check = Verification(archive, InProcess(archive), piece_events=piece_events)
        return check.whole(kept) if day is None else check.day(day, kept)
