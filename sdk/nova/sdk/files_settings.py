"""The settings about daily files and exports: their drivers, where they are, and how many."""

from __future__ import annotations

from typing import Literal

FilesCompression = Literal["zstd", "none"]

FILES_MAX = 4_096
"""A file takes at least one block of the disk, and its folder another: with 4 KiB blocks this many
take at most 32 MiB more than what they hold.
"""

FILES_HELP: dict[str, str] = {
    "drivers": (
        "Drivers that write daily files, in order of preference, `id` or `id@version`; `none` for "
        "no daily files."
    ),
    "files": "Folder of the daily files.",
    "files_compression": (
        "How daily files are compressed once their day is over: `zstd`, or `none`."
    ),
    "files_max": (
        "Maximum number of files of a UTC day, and of an export: most are for one stream each, "
        "and further streams share files by driver and system."
    ),
}
