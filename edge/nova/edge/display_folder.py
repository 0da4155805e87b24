"""Displays of a folder, which everybody who may see what they name sees, and nobody changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nova.sdk.display import Display, NamedData, check_display, named_data
from nova.sdk.errors import ProtocolError, SettingsError
from nova.sdk.regular_file import read_regular

FOLDER_MARK = "folder:"
"""Before the name of a file without its suffix; no stored display has an id with it."""

SUFFIX = ".json"
FILE_MAX_BYTES = 1024 * 1024
FILES_MAX = 200


@dataclass(frozen=True, slots=True)
class FolderDisplay:
    """A display of a file."""

    id: str
    display: Display
    named: NamedData


FolderDisplays = Mapping[str, FolderDisplay]
"""By id."""


def load_folder(folder: Path) -> FolderDisplays:
    """The displays of a folder's files; raises SettingsError that names the file and the rule."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except OSError as error:
        raise SettingsError(f"displays: cannot read {folder}: {error.strerror}") from None
    if len(paths) > FILES_MAX:
        raise SettingsError(
            f"displays: {folder} has {len(paths)} files, at most {FILES_MAX} are allowed"
        )
    found = [_load(path) for path in paths]
    return {one.id: one for one in found}


def load_display(path: Path, max_bytes: int = FILE_MAX_BYTES) -> Display:
    """The display of a file; raises SettingsError that names the file and the rule."""
    try:
        display = msgspec.json.decode(read_regular(path, max_bytes), type=Display)
        check_display(display, max_bytes)
    except OSError as error:
        raise SettingsError(f"displays: cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ProtocolError) as error:
        raise SettingsError(f"displays: {path}: {error}; see docs/screen.md") from None
    return display


def _load(path: Path) -> FolderDisplay:
    display = load_display(path)
    return FolderDisplay(f"{FOLDER_MARK}{path.stem}", display, named_data(display))
