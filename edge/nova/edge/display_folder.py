"""Displays of a folder, which everybody who may see what they name sees, and nobody changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import msgspec

from nova.sdk.default_view import Panel, PanelLayout
from nova.sdk.display import Display, NamedData, check_display, named_data
from nova.sdk.errors import ProtocolError, SettingsError
from nova.sdk.pattern_words import in_words
from nova.sdk.regular_file import read_regular

FOLDER_MARK = "folder:"
"""Before the name of a file without its suffix; no stored display has an id with it."""

SUFFIX = ".json"
FILE_MAX_BYTES = 1024 * 1024
FILES_MAX = 200
LAYOUT_NAME = "Layout"
"""Of a display from a file of a layout, which has none."""

LATER_KINDS = ("notes", "recordings")
_FIRST_KINDS: tuple[Panel, ...] = tuple(kind for kind in get_args(Panel) if kind not in LATER_KINDS)
"""What a layout hid if it did not place it."""


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
        display = _display_of(read_regular(path, max_bytes))
        check_display(display, max_bytes)
    except OSError as error:
        raise SettingsError(f"displays: cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ProtocolError) as error:
        raise SettingsError(
            f"displays: {path}: {in_words(str(error))}; see docs/screen.md"
        ) from None
    return display


def _display_of(content: bytes) -> Display:
    """The display of a file, also of one that has a layout alone, as earlier screens wrote it."""
    members = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    if "pages" in members or "columns" not in members:
        return msgspec.json.decode(content, type=Display)
    layout = msgspec.json.decode(content, type=PanelLayout)
    columns = [
        {"share": column.share, "panels": [_placed(one.id, one.share) for one in column.panels]}
        for column in layout.columns
    ]
    placed = {one.id for column in layout.columns for one in column.panels}
    hidden = [_placed(kind, 1.0) for kind in _FIRST_KINDS if kind not in placed]
    page = {"name": "Page 1", "columns": columns, "hidden": hidden}
    return msgspec.convert({"name": LAYOUT_NAME, "pages": [page]}, Display)


def _placed(kind: Panel, share: float) -> dict[str, str | float]:
    return {"id": kind, "kind": kind, "share": share}


def _load(path: Path) -> FolderDisplay:
    display = load_display(path)
    return FolderDisplay(f"{FOLDER_MARK}{path.stem}", display, named_data(display))
