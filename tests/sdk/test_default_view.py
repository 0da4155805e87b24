"""Default views: what a file may say, and errors that name the file and the rule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from nova.hardware.simulator.demo_view import LAYOUT
from nova.sdk import default_view
from nova.sdk.default_view import DefaultView, Panel
from nova.sdk.errors import SettingsError

ROOT = Path(__file__).parents[2]
PUMP: dict[str, object] = {
    "scopeId": "works",
    "systemId": "hall",
    "containerId": "cellar",
    "uniqueId": "pump",
}
LINE: dict[str, object] = {**PUMP, "messageType": "State", "field": "bar"}


def loaded(folder: Path, value: object) -> DefaultView:
    """The view of a file with this content."""
    path = folder / "view.json"
    path.write_bytes(value if isinstance(value, bytes) else msgspec.json.encode(value))
    return default_view.load(path)


def test_every_member_may_be_absent(tmp_path: Path) -> None:
    """A view says as much as it likes."""
    assert loaded(tmp_path, {}) == DefaultView()
    told: dict[str, object] = {
        "layout": {"version": 1, "columns": [{"share": 2, "panels": [{"id": "plots"}]}]},
        "panel": "plots",
        "selected": PUMP,
        "commandType": "pump.set",
        "track": {**PUMP, "messageType": "Place"},
        "plots": [[LINE]],
    }
    view = loaded(tmp_path, told)
    assert view.plots[0][0].field == "bar"
    assert view.track is not None and view.track.latitude == "latitude"
    assert loaded(tmp_path, view) == view


def test_a_layout_is_told_whole() -> None:
    """The screen reads a layout as it exports one: nothing in it is left to be guessed."""
    told = msgspec.to_builtins(DefaultView(layout=LAYOUT))
    assert told["layout"]["version"] == 1
    assert all("share" in column for column in told["layout"]["columns"])


def columns(*panels: str) -> dict[str, object]:
    """A layout of one column."""
    column = {"share": 1, "panels": [{"id": panel, "share": 1} for panel in panels]}
    return {"version": 1, "columns": [column]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "view.json"),
        (b"\xff", "view.json"),
        ({"theme": "dark"}, "theme"),
        ({"panel": "map"}, "panel"),
        ({"selected": {**PUMP, "uniqueId": "no blanks"}}, "uniqueId"),
        ({"plots": [[{**LINE, "lane": "raw"}]]}, "lane"),
        ({"plots": [[LINE] * 9]}, "8 lines"),
        ({"plots": [[LINE]] * 17}, "16"),
        ({"layout": columns("plots", "plots")}, "'plots' is placed twice"),
        ({"layout": {"version": 1, "columns": []}}, "layout.columns"),
        ({"layout": {"version": 2, "columns": []}}, "version"),
        ({"layout": {"columns": [{"share": 0, "panels": []}]}}, "share"),
        (b" " * (default_view.FILE_MAX_BYTES + 1), "bytes"),
    ],
)
def test_what_is_no_view_is_refused(tmp_path: Path, content: object, words: str) -> None:
    """One error, with the setting, the file and the rule."""
    with pytest.raises(SettingsError, match=re.escape(words)) as raised:
        loaded(tmp_path, content)
    assert str(raised.value).startswith("default_view: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """So that a slip of the keys is found."""
    with pytest.raises(SettingsError, match=r"none\.json"):
        default_view.load(tmp_path / "none.json")


def test_panels_are_those_of_the_screen() -> None:
    """A panel that the screen gets is one that a view can place."""
    text = (ROOT / "web/src/model/panels/panel_kinds.ts").read_text()
    assert set(get_args(Panel)) == {*re.findall(r'single\("(\w+)"', text), "plots", "recordings"}
