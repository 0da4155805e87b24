"""Displays of a folder: what is refused, by the name of its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.edge.display_folder import load_display, load_folder
from nova.sdk.errors import SettingsError


def test_a_wrong_file_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text('{"version": 1, "name": "x", "pages": []}')
    with pytest.raises(SettingsError, match=r"displays: .*wrong\.json: .*pages"):
        load_folder(tmp_path)
    (tmp_path / "wrong.json").write_text('{"version": 1, "x": ' + "[" * 20_000 + "]" * 20_000 + "}")
    with pytest.raises(SettingsError, match=r"wrong\.json: .*nested too deep, 500 levels"):
        load_folder(tmp_path)
    with pytest.raises(SettingsError, match="displays: cannot read"):
        load_folder(tmp_path / "none")


def test_a_layout_of_earlier_screens_is_a_display(tmp_path: Path) -> None:
    """Of one page, on which the panels that it does not name are hidden."""
    file = tmp_path / "layout.json"
    columns = '[{"share": 2, "panels": [{"id": "plots"}, {"id": "values", "share": 3}]}]'
    file.write_text(f'{{"version": 1, "columns": {columns}, "hidden": ["chat"]}}')
    display = load_display(file)
    (page,) = display.pages
    (column,) = page.columns
    assert (display.name, page.name, column.share) == ("Layout", "Page 1", 2)
    assert [(one.id, one.kind, one.share) for one in column.panels] == [
        ("plots", "plots", 1),
        ("values", "values", 3),
    ]
    hidden = ["entities", "shields", "cards", "track", "inspector", "commands", "alarms", "chat"]
    assert [one.id for one in page.hidden] == hidden
    file.write_text(f'{{"version": 1, "columns": {columns.replace("values", "plots")}}}')
    with pytest.raises(SettingsError, match="'plots' is there twice"):
        load_display(file)
    file.write_text(f'{{"version": 1, "columns": {columns.replace("values", "radar")}}}')
    with pytest.raises(SettingsError, match=r"radar.*columns\[0\]\.panels\[1\]\.id"):
        load_display(file)
