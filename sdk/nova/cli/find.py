"""`nova find`: prints where the values of a field meet a condition, or the events with a text."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from typing import Literal, cast

import click
import msgspec
from rich.console import Console

from nova.cli.find_text import TEXT_LANES, find_text, text_request
from nova.console.archive_options import ArchiveSource, TimeParameter, with_archive_source
from nova.console.printing import warn
from nova.sdk.protocol import timeline
from nova.sdk.protocol.messages import Timebase
from nova.sdk.protocol.timeline import FieldFinding, FindCondition

COMPARISONS: dict[str, FindCondition] = {
    ">": "above",
    ">=": "atLeast",
    "<": "below",
    "<=": "atMost",
    "=": "equal",
    "!=": "notEqual",
}
UNKNOWN_SERIES = (
    "No event of this series was ever received, or you may not see it: check --scope, --system, "
    "--container, --unique, --lane, --type and --view."
)
SERIES_OPTIONS = ("scope", "system", "container", "unique")
UI_TYPE = "UiUpdate"
"""The only messageType of the lane ui."""

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def finite(_: click.Context, parameter: click.Parameter, seconds: float | None) -> float | None:
    """A duration; raises click.BadParameter for a NaN and an infinite one."""
    if seconds is not None and not math.isfinite(seconds):
        raise click.BadParameter(f"{seconds} is not a number of seconds.", param=parameter)
    return seconds


def series_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name one series."""
    lane = click.option(
        "--lane", type=click.Choice(["parsed", "ui"]), default="parsed", help="Lane of the field."
    )
    return _with_series(command, lane, required=True)


def searched_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name one series, or that narrow the search for a text."""
    lane = click.option(
        "--lane",
        type=click.Choice(TEXT_LANES),
        help="Lane of the field, parsed or ui [parsed]; or of the text [all but raw].",
    )
    return _with_series(command, lane, required=False)


def _with_series(
    command: Callable[..., None], lane: Callable[..., Callable[..., None]], *, required: bool
) -> Callable[..., None]:
    for option in (
        click.option("--view", default="", help="viewId, of the lane ui."),
        click.option("--type", help="messageType [of the lane ui: UiUpdate]."),
        lane,
        click.option("--unique", required=required, metavar="ID", help="uniqueId."),
        click.option("--container", required=required, metavar="ID", help="containerId."),
        click.option("--system", required=required, metavar="ID", help="systemId."),
        click.option("--scope", required=required, metavar="ID", help="scopeId."),
    ):
        command = option(command)
    return command


def unknown_field(fields: Sequence[str]) -> str:
    """What is said of fields that no event has."""
    return (
        f"No event of this series has {', '.join(fields)}, at any time: check the path, or see "
        "what the events have by nova query."
    )


@click.command(context_settings={"ignore_unknown_options": True})  # -5 is a value
@click.argument("field", metavar="FIELD|TEXT")
@click.argument("comparison", type=click.Choice(list(COMPARISONS)), required=False)
@click.argument("value", required=False)
@click.option("--changes", is_flag=True, help="Where the value changes.")
@click.option("--steady", is_flag=True, help="Where it does not: with --samples or --seconds.")
@click.option("--text", is_flag=True, help="Search for a text; after VALUE: it is a text.")
@click.option(
    "--gaps",
    type=click.FloatRange(min=0),
    callback=finite,
    metavar="SECONDS",
    help="Longer times without a value.",
)
@click.option("--samples", type=click.IntRange(min=1), default=1, help="Values of a run at least.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    callback=finite,
    default=0.0,
    help="Its least duration.",
)
@click.option("--from", "start", type=TimeParameter(), help="First time, inclusive.")
@click.option("--to", "stop", type=TimeParameter(), help="Last time, inclusive.")
@click.option("--timebase", type=click.Choice(["source", "canonical"]), help="Clock of the times.")
@click.option("--reverse", is_flag=True, help="Newest first.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of findings.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
@searched_options
@with_archive_source
async def find(
    source: ArchiveSource,
    /,
    field: str,
    comparison: str | None,
    value: str | None,
    changes: bool,
    gaps: float | None,
    limit: int | None,
    as_json: bool,
    **options: object,
) -> None:
    """Print where the values of a field meet a condition, or the events that have a text.

    \b
    Fields (each with --scope, --system, --container, --unique and --type):
      nova find temperature '>' 40 --samples 3     runs of three or more such values
      nova find mode = SAFE --reverse --limit 1     when it was last in this mode
      nova find port = 1 --text                     the text "1" and not the number
      nova find mode --changes
      nova find current --steady --seconds 600     the same value for ten minutes
      nova find voltage --gaps 60 --json

    \b
    Texts, upper and lower case alike, in the messageType or the body of events:
      nova find "door open" --text --reverse --limit 10
      nova find heater --text --lane command --scope sat --json
    """
    is_condition = comparison is not None or changes or gaps is not None or options["steady"]
    if options["text"] and not is_condition:
        await find_text(source, text_request(field, options), limit, as_json=as_json)
        return
    request = _request(field, options, comparison, value, (changes, gaps))
    left = limit if limit is not None else sys.maxsize
    console, count = Console(), 0
    async with await source.connect() as client:
        while True:
            request.limit = min(left, timeline.FIND_LIMIT_MAX)
            page = await client.find(request)
            for finding in page.findings:
                _write(finding, console, as_json)
            left -= len(page.findings)
            count += len(page.findings)
            request.after_key = page.next_key
            if page.next_key is None or not left:
                break
    _warn(page, is_empty=count == 0)


def _warn(page: timeline.FindResponse, *, is_empty: bool) -> None:
    """Say what the last page of an answer says of all of it."""
    if page.unknown_series:
        warn(UNKNOWN_SERIES)
    elif page.unknown_fields:
        warn(unknown_field(page.unknown_fields))
    elif is_empty:
        warn("Nothing found.")
    if page.behind:
        warn("The newest values are not searched yet: the sampler is behind.")


def _request(
    field: str,
    options: dict[str, object],
    comparison: str | None,
    value: str | None,
    other: tuple[bool, float | None],
) -> timeline.Find:
    """The message of the options; raises click.UsageError."""
    changes, gaps = other
    condition = _condition(options, comparison, changes, gaps)
    if condition is None or (comparison is None) != (value is None):
        raise click.UsageError(
            f"state one condition: COMPARISON ({' '.join(COMPARISONS)}) and VALUE, --changes, "
            "--steady, or --gaps SECONDS"
        )
    seconds = gaps if gaps is not None else cast("float", options["seconds"])
    return timeline.Find(
        scope_id=str(options["scope"]),
        system_id=str(options["system"]),
        container_id=str(options["container"]),
        unique_id=str(options["unique"]),
        lane=_lane(options),
        message_type=message_type(options),
        view_id=str(options["view"]),
        field=field,
        condition=condition,
        value=None if value is None else _value(value, is_text=bool(options["text"])),
        min_samples=cast("int", options["samples"]),
        min_seconds=seconds,
        start_time=cast("str | None", options["start"]),
        stop_time=cast("str | None", options["stop"]),
        timebase=cast("Timebase | None", options["timebase"]),
        reverse=bool(options["reverse"]),
    )


def _condition(
    options: dict[str, object], comparison: str | None, changes: bool, gaps: float | None
) -> FindCondition | None:
    """The one condition that the options state; None if it is not one."""
    stated: list[FindCondition] = [] if comparison is None else [COMPARISONS[comparison]]
    others: tuple[tuple[FindCondition, bool], ...] = (
        ("change", changes),
        ("steady", bool(options["steady"])),
        ("gap", gaps is not None),
    )
    stated += [condition for condition, is_stated in others if is_stated]
    return stated[0] if len(stated) == 1 else None


def _lane(options: dict[str, object]) -> Literal["parsed", "ui"]:
    """The lane of a field's series; raises click.UsageError if the series is not named in full."""
    absent = [name for name in SERIES_OPTIONS if options[name] is None]
    if absent:
        raise click.UsageError(f"a field needs its series: give --{absent[0]} too")
    lane = options["lane"] or "parsed"
    if lane not in ("parsed", "ui"):
        raise click.UsageError(f"--lane: fields are of the lanes parsed and ui, not of {lane}")
    return "ui" if lane == "ui" else "parsed"


def message_type(options: dict[str, object]) -> str:
    """The messageType of a field's series; raises click.UsageError."""
    if options["type"] is not None:
        return str(options["type"])
    if options["lane"] == "ui":
        return UI_TYPE
    raise click.UsageError("a field needs its series: give --type too")


def _value(text: str, is_text: bool) -> bool | float | str:
    """A number or a boolean if it looks like one; raises click.UsageError."""
    if is_text:
        return text
    if text in ("true", "false"):
        return text == "true"
    if not NUMBER.fullmatch(text):
        return text
    if not math.isfinite(number := float(text)):
        raise click.UsageError(f"VALUE: {text} is beyond the largest number, about 1.8e308")
    return number


def _write(finding: FieldFinding, console: Console, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        sys.stdout.buffer.write(msgspec.json.encode(finding) + b"\n")
        return
    if finding.before is not None:
        console.print(f"{finding.start_time}  {finding.before} → {finding.after}")
        return
    parts = [finding.start_time, finding.stop_time]
    if finding.samples:
        parts.append(f"{finding.samples:,} values")
    if finding.min is not None:
        parts.append(f"{finding.min:g} to {finding.max:g}")
    console.print("  ".join(parts))
