"""Displays: named pages of panels of the screen. Options of panels are kept as they are: their
rules are those of the screen, which a newer one may have changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta

from nova.sdk.default_view import Panel
from nova.sdk.errors import ProtocolError
from nova.sdk.field_types import JsonObject, Lane
from nova.sdk.shown_text import name_fault

PAGES_MAX = 20
COLUMNS_MAX = 8
PANELS_MAX = 60
CONTENT_MAX_BYTES = 60 * 1024
"""Of a display that is saved: it has to fit into a request."""

NESTING_MAX = 32
"""Of options: objects and lists in one another."""

DisplayName = Annotated[str, Meta(min_length=1, max_length=80)]
PanelName = Annotated[str, Meta(min_length=1, max_length=64)]
Share = Annotated[float, Meta(gt=0, le=1_000_000)]

SINGLE_KINDS = frozenset(get_args(Panel)) - {"plots"}
"""The kinds of which a page has at most one panel, whose id is the kind."""

_LANES = frozenset(get_args(Lane))


class _DisplayPart(
    msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """Base of all structs of a display."""


class DisplayPanel(_DisplayPart, kw_only=True):
    """A panel: its id is unique on its page, and its kind says what its options are."""

    id: PanelName
    kind: PanelName
    title: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    options: JsonObject | None = None
    share: Share = 1.0


class DisplayColumn(_DisplayPart, kw_only=True):
    """A column of panels and its share of the width."""

    panels: list[DisplayPanel]
    share: Share = 1.0


class DisplayPage(_DisplayPart, kw_only=True):
    """A page; the hidden panels keep their options."""

    name: DisplayName
    columns: Annotated[list[DisplayColumn], Meta(max_length=COLUMNS_MAX)]
    hidden: list[DisplayPanel] = msgspec.field(default_factory=list)


class Display(_DisplayPart, kw_only=True, omit_defaults=False):
    """A display as the screen exports it."""

    version: Literal[1] = 1
    name: DisplayName
    pages: Annotated[list[DisplayPage], Meta(min_length=1, max_length=PAGES_MAX)]


class NamedData(NamedTuple):
    """The scopes and lanes that a display names in its options."""

    scopes: frozenset[str]
    lanes: frozenset[str]


def content_of(display: Display) -> bytes:
    """A display as compact JSON."""
    return msgspec.json.encode(display)


def check_display(display: Display, max_bytes: int = CONTENT_MAX_BYTES) -> None:
    """Raise ProtocolError `badDisplay` with the place and the rule that a display breaks."""
    try:
        size = len(content_of(display))
    except RecursionError:
        raise ProtocolError("badDisplay", _too_deep()) from None
    if size > max_bytes:
        raise ProtocolError(
            "badDisplay", f"the display has {size} bytes, at most {max_bytes} are allowed"
        )
    _check_name("name", display.name)
    for at, page in enumerate(display.pages):
        _check_name(f"pages[{at}].name", page.name)
        panels = _panels(page)
        if len(panels) > PANELS_MAX:
            raise ProtocolError(
                "badDisplay",
                f"pages[{at}]: {len(panels)} panels, at most {PANELS_MAX} are allowed",
            )
        ids = [panel.id for panel in panels]
        twice = next((one for one in ids if ids.count(one) > 1), None)
        if twice is not None:
            raise ProtocolError("badDisplay", f"pages[{at}]: the panel {twice!r} is there twice")
        for panel in panels:
            _check_panel(f"pages[{at}]: {panel.id!r}", panel)


def _check_panel(place: str, panel: DisplayPanel) -> None:
    for member, name in (("id", panel.id), ("kind", panel.kind), ("title", panel.title)):
        if name is not None:
            _check_name(f"{place}: {member}", name)
    single = panel.kind if panel.kind in SINGLE_KINDS else panel.id
    if single in SINGLE_KINDS and panel.id != panel.kind:
        raise ProtocolError(
            "badDisplay",
            f"{place}: a page has one panel of the kind {single!r}, whose id is {single!r}, and no "
            "other panel has this id",
        )
    if _depth(panel.options) > NESTING_MAX:
        raise ProtocolError("badDisplay", f"{place}: {_too_deep()}")


def _check_name(place: str, name: str) -> None:
    fault = name_fault(name)
    if fault is not None:
        raise ProtocolError("badDisplay", f"{place}: {fault}")


def _panels(page: DisplayPage) -> list[DisplayPanel]:
    return [*(panel for column in page.columns for panel in column.panels), *page.hidden]


def named_data(display: Display) -> NamedData:
    """What a display names: members `scopeId` and `lane`, and `scopeIds` and `lanes`, anywhere in
    the options of its panels.
    """
    options = (panel.options for page in display.pages for panel in _panels(page))
    return _named_by(member for one in options for member in _members(one))


def named_in(content: bytes) -> NamedData:
    """What the JSON of a display names, also of one that a newer program has saved."""
    return _named_by(_members(msgspec.json.decode(content)))


def _named_by(members: Iterable[tuple[str, str]]) -> NamedData:
    scopes, lanes = set[str](), set[str]()
    for member, value in members:
        if member in ("scopeId", "scopeIds"):
            scopes.add(value)
        elif value in _LANES:
            lanes.add(value)
    return NamedData(frozenset(scopes), frozenset(lanes))


def _members(options: object) -> Iterator[tuple[str, str]]:
    """The names of scopes and lanes in options, each with its member."""
    left = [options]
    while left:
        match left.pop():
            case dict() as found:
                for member in ("scopeId", "lane"):
                    if isinstance(value := found.get(member), str):
                        yield member, value
                for member in ("scopeIds", "lanes"):
                    if isinstance(values := found.get(member), list):
                        yield from ((member, one) for one in values if isinstance(one, str))
                left.extend(found.values())
            case list() as found:
                left.extend(found)


def _depth(options: object) -> int:
    """How deep objects and lists are in one another, counted up to one more than is allowed."""
    level, depth = [options], 0
    while level and depth <= NESTING_MAX:
        containers = [one for one in level if isinstance(one, dict | list)]
        level = [
            inner
            for one in containers
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        depth += bool(containers)
    return depth


def _too_deep() -> str:
    return f"options are nested too deep, {NESTING_MAX} levels are allowed"
