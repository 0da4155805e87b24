"""Copies of the seals of an archive, read before the archive is opened: it then has all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nova.core.store.roots_file import roots_path
from nova.sdk import durable
from nova.sdk.errors import NovaError


class KeptRoots(NamedTuple):
    """A file with the seals of days, and its lines."""

    path: Path
    lines: Sequence[bytes]


def kept_roots(data: Path, roots: Path | None = None) -> list[KeptRoots]:
    """The file beside the archive, if it is there, and one that was kept elsewhere."""
    own = roots_path(data)
    paths = dict.fromkeys((own, roots) if own.exists() else (roots,))
    return [KeptRoots(path, _lines(path)) for path in paths if path is not None]


def _lines(path: Path) -> Sequence[bytes]:
    try:
        return durable.read(path).splitlines()
    except OSError as error:
        raise NovaError(f"cannot read {path}: {error.strerror}") from None
