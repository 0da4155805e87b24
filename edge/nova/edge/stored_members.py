"""Where the files of an export are in its zip, which stores them uncompressed."""

from __future__ import annotations

import os
import struct
import zipfile
from typing import BinaryIO

from nova.edge.download_folder import ExportCutError

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_SIGNATURE = b"PK\x03\x04"

Span = tuple[int, int]
"""The first byte and the one behind the last."""


def stored_members(descriptor: int, suffix: str) -> dict[str, Span]:
    """Spans of the files with a suffix, by path. Raises ExportCutError if the zip is damaged."""
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file, zipfile.ZipFile(file) as archive:
            entries = [one for one in archive.infolist() if one.filename.endswith(suffix)]
            return {one.filename: _span(file, one) for one in entries}
    except (zipfile.BadZipFile, struct.error, NotImplementedError) as error:
        raise ExportCutError("the directory of this export's zip is damaged") from error


def _span(file: BinaryIO, entry: zipfile.ZipInfo) -> Span:
    file.seek(entry.header_offset)
    head = file.read(_LOCAL_HEADER.size)
    signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(head)
    if signature != _SIGNATURE or entry.compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile
    start = entry.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes
    return start, start + entry.file_size
