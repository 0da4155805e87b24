"""Displays of a folder: what is refused, by the name of its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.edge.display_folder import load_folder
from nova.sdk.errors import SettingsError


def test_a_wrong_file_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text('{"version": 1, "name": "x", "pages": []}')
    with pytest.raises(SettingsError, match=r"displays: .*wrong\.json: .*pages"):
        load_folder(tmp_path)
    with pytest.raises(SettingsError, match="displays: cannot read"):
        load_folder(tmp_path / "none")
