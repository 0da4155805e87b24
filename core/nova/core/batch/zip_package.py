"""A reproducible zip: the same files give the same bytes. Entries are sorted, have one fixed date,
and are stored uncompressed, as the output of deflate differs between zlib versions.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import BinaryIO

from nova.core.files.file_folder import FileFolder

COPIED_BYTES = 1024 * 1024
DATE = (1980, 1, 1, 0, 0, 0)
UNIX = 3
MODE = 0o100640 << 16
LARGE_BYTES = 2**31 - 1


def pack(
    folder: FileFolder, paths: Iterable[str], manifest: tuple[str, bytes], out: BinaryIO
) -> None:
    """Write a manifest and the files of a folder; each file is removed after it was copied."""
    name, text = manifest
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path in sorted((name, *paths)):
            if path == name:
                archive.writestr(_entry(path), text)
                continue
            with folder.read(path) as source:
                size = source.seek(0, 2)
                source.seek(0)
                folder.reserve.require_room(size)
                entry = _entry(path)
                with archive.open(entry, "w", force_zip64=size > LARGE_BYTES) as target:
                    while block := source.read(COPIED_BYTES):
                        target.write(block)
            folder.remove(path)


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, DATE)
    entry.create_system = UNIX
    entry.external_attr = MODE
    return entry
