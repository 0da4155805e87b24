"""What `nova status` shows of rules, definitions and notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from nova.sdk.protocol.health import ConfiguredFiles, ConfiguredPart

HEADS = {"definitions": ("definition", "last value"), "notifications": ("route", "last message")}
COLOURS = {
    "running": "green",
    "sent": "green",
    "idle": "white",
    "slow": "yellow",
    "retrying": "yellow",
    "unknown": "yellow",
}
"""Of states; others are red."""

PARTS_MAX = 50
"""Definitions or routes that are listed."""


def configured_files(
    found: Sequence[ConfiguredFiles], age: Callable[[str], str]
) -> Iterator[RenderableType]:
    """What is in effect, the faults of files, and each definition and route. `age` says how long
    ago a time is.
    """
    for one in found:
        what = "routes of notifications" if one.kind == "notifications" else one.kind
        read = "never read" if one.read_time is None else f"read {age(one.read_time)} ago"
        yield Text(f"{one.in_effect:,} {what} in effect of {one.path}, {read}")
        for fault in one.faults:
            yield Text(f"{one.kind}: {fault}", "yellow")
        if one.parts:
            yield _parts(one, age)


def _parts(files: ConfiguredFiles, age: Callable[[str], str]) -> Table:
    head, last = HEADS.get(files.kind, (files.kind, "last"))
    table = Table(head, "", last, "")
    # Those in trouble first; the order of the others stays.
    listed = sorted(files.parts, key=lambda one: COLOURS.get(one.state) in ("green", "white"))
    for part in listed[:PARTS_MAX]:
        colour = COLOURS.get(part.state, "red")
        table.add_row(
            escape(part.name),
            f"[{colour}]{escape(part.state)}[/]",
            "never" if part.time is None else f"{age(part.time)} ago",
            escape(_details(part)),
        )
    if len(listed) > PARTS_MAX:
        table.add_row(f"and {len(listed) - PARTS_MAX} more", "", "", "")
    return table


def _details(part: ConfiguredPart) -> str:
    slow = "" if part.slowest_s is None else f"takes up to {part.slowest_s:g} s"
    behind = "" if part.behind_s is None else f"{part.behind_s:,.0f} s behind"
    return ", ".join(text for text in (part.reason or "", slow, behind) if text)
