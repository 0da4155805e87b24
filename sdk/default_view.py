"""What a screen opens on where its user has chosen nothing yet: a file that an instance is given.

It names entities, series and panels; nothing in the browser knows any of them beforehand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sdk.envelope import Id, Name
from sdk.errors import SettingsError

FILE_MAX_BYTES = 64 * 1024
PLOTS_MAX = 16
COLUMNS_MAX = 8
LINES_MAX = 8
"""A plot with more lines cannot be read."""

Panel = Literal[
    "entities",
    "shields",
    "cards",
    "values",
    "plots",
    "track",
    "inspector",
    "commands",
    "chat",
]
Field = Annotated[str, Meta(min_length=1, max_length=256)]
Share = Annotated[float, Meta(gt=0, le=1000)]


class _Part(
    msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """What all parts of a default view share."""


class ViewEntity(_Part, kw_only=True):
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
    """One line of a plot: a numeric field, nested names joined by dots."""

    field: Field


class ViewTrack(ViewSeries, kw_only=True):
    """Where the ground track comes from while the chosen entity says no place of its own."""

    latitude: Field = "latitude"
    longitude: Field = "longitude"


class PlacedPanel(_Part, kw_only=True, omit_defaults=False):
    """A panel and its share of its column's height."""

    id: Panel
    share: Share = 1.0


class PanelColumn(_Part, kw_only=True, omit_defaults=False):
    """Panels above one another, and the column's share of the width."""

    panels: list[PlacedPanel]
    share: Share = 1.0


class PanelLayout(_Part, kw_only=True, omit_defaults=False):
    """Where the panels are, in the form that the screen exports; others are put away."""

    version: Literal[1] = 1
    columns: list[PanelColumn]
    hidden: list[Panel] = msgspec.field(default_factory=list)


class DefaultView(_Part, kw_only=True):
    """The whole file; every member may be absent."""

    layout: PanelLayout | None = None
    panel: Panel | None = None
    """The one that a narrow screen opens on."""

    selected: ViewEntity | None = None
    command_type: Name | None = None
    """The command of the selected entity whose form is open."""

    track: ViewTrack | None = None
    plots: list[list[ViewLine]] = msgspec.field(default_factory=list)


def load(path: Path) -> DefaultView:
    """The default view of a file; raises SettingsError saying what is wrong with it."""
    try:
        with path.open("rb") as file:
            text = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"default_view: cannot read {path}: {error.strerror}") from None
    if len(text) > FILE_MAX_BYTES:
        raise SettingsError(f"default_view: {path} has more than {FILE_MAX_BYTES} bytes")
    try:
        view = msgspec.json.decode(text, type=DefaultView)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"default_view: {path}: {error}; see docs/screen.md") from None
    for rule in (_plots_fault(view.plots), _layout_fault(view.layout)):
        if rule is not None:
            raise SettingsError(f"default_view: {path}: {rule}")
    return view


def _plots_fault(plots: list[list[ViewLine]]) -> str | None:
    if len(plots) > PLOTS_MAX:
        return f"plots: at most {PLOTS_MAX}, not {len(plots)}"
    if any(len(lines) > LINES_MAX for lines in plots):
        return f"plots: at most {LINES_MAX} lines each"
    return None


def _layout_fault(layout: PanelLayout | None) -> str | None:
    if layout is None:
        return None
    if not 0 < len(layout.columns) <= COLUMNS_MAX:
        return f"layout.columns: 1 to {COLUMNS_MAX}, not {len(layout.columns)}"
    placed = [panel.id for column in layout.columns for panel in column.panels]
    twice = next((name for name in placed if placed.count(name) > 1), None)
    return None if twice is None else f"layout.columns: the panel {twice!r} is there twice"
