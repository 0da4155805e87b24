"""The default view: a file with the layout that a screen opens with until its user changes it.

It names entities, series and panels. The browser has none of these names built in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.errors import SettingsError
from nova.sdk.field_types import Id, Name
from nova.sdk.regular_file import read_regular

FILE_MAX_BYTES = 64 * 1024
PLOTS_MAX = 16
COLUMNS_MAX = 8
LINES_MAX = 8
"""More lines make a plot unreadable."""

Panel = Literal[
    "entities",
    "shields",
    "cards",
    "values",
    "plots",
    "track",
    "inspector",
    "commands",
    "alarms",
    "chat",
    "notes",
    "recordings",
]
FieldName = Annotated[str, Meta(min_length=1, max_length=256)]
Share = Annotated[float, Meta(gt=0, le=1000)]


class _ViewPart(
    msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """Base of all structs in the file."""


class ViewEntity(_ViewPart, kw_only=True):
    """An entity by its ids."""

    scope_id: Id
    system_id: Id
    container_id: Id
    unique_id: Id


class ViewSeries(ViewEntity, kw_only=True):
    """A series of an entity: its parsed messages of one type, or the updates of one view."""

    lane: Literal["parsed", "ui"] = "parsed"
    message_type: Name
    view_id: Name | None = None


class ViewLine(ViewSeries, kw_only=True):
    """One line of a plot: a numeric field; the names of nested members are joined by dots."""

    field: FieldName


class ViewTrack(ViewSeries, kw_only=True):
    """The source of the ground track while the selected entity has no position of its own."""

    latitude: FieldName = "latitude"
    longitude: FieldName = "longitude"


class PlacedPanel(_ViewPart, kw_only=True, omit_defaults=False):
    """A panel and its share of its column's height."""

    id: Panel
    share: Share = 1.0


class PanelColumn(_ViewPart, kw_only=True, omit_defaults=False):
    """A column of panels and its share of the width."""

    panels: list[PlacedPanel]
    share: Share = 1.0


class PanelLayout(_ViewPart, kw_only=True, omit_defaults=False):
    """The arrangement of panels in the format that the screen exports; absent panels are hidden."""

    version: Literal[1] = 1
    columns: list[PanelColumn]
    hidden: list[Panel] = msgspec.field(default_factory=list)


class DefaultView(_ViewPart, kw_only=True):
    """The whole file; every member may be absent."""

    layout: PanelLayout | None = None
    panel: Panel | None = None
    """The panel that a narrow screen opens with."""

    selected: ViewEntity | None = None
    command_type: Name | None = None
    """The command whose form is open for the selected entity."""

    track: ViewTrack | None = None
    plots: list[list[ViewLine]] = msgspec.field(default_factory=list)


def load(path: Path) -> DefaultView:
    """Load a default view; raises SettingsError that names the file and the rule."""
    try:
        text = read_regular(path, FILE_MAX_BYTES)
    except OSError as error:
        raise SettingsError(f"default_view: cannot read {path}: {error.strerror}") from None
    try:
        view = msgspec.json.decode(text, type=DefaultView)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"default_view: {path}: {error}; see docs/screen.md") from None
    for rule in (_plots_problem(view.plots), _layout_problem(view.layout)):
        if rule is not None:
            raise SettingsError(f"default_view: {path}: {rule}")
    return view


def _plots_problem(plots: list[list[ViewLine]]) -> str | None:
    if len(plots) > PLOTS_MAX:
        return f"plots: {len(plots)} plots, at most {PLOTS_MAX} are allowed"
    if any(len(lines) > LINES_MAX for lines in plots):
        return f"plots: at most {LINES_MAX} lines per plot are allowed"
    return None


def _layout_problem(layout: PanelLayout | None) -> str | None:
    if layout is None:
        return None
    if not 0 < len(layout.columns) <= COLUMNS_MAX:
        return f"layout.columns: {len(layout.columns)} columns, 1 to {COLUMNS_MAX} are allowed"
    placed = [panel.id for column in layout.columns for panel in column.panels]
    twice = next((name for name in placed if placed.count(name) > 1), None)
    return None if twice is None else f"layout.columns: panel {twice!r} is placed twice"
