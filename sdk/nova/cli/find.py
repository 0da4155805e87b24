"""`nova find`: prints where the values of a field meet a condition, as JSON lines or a table."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import cast

import click
import msgspec
from rich.console import Console

from nova.console.archive_options import ArchiveSource, TimeParameter, with_archive_source
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
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def finite(_: click.Context, parameter: click.Parameter, seconds: float | None) -> float | None:
    """A duration; raises click.BadParameter for a NaN and an infinite one."""
    if seconds is not None and not math.isfinite(seconds):
        raise click.BadParameter(f"{seconds} is not a number of seconds.", param=parameter)
    return seconds


def series_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name one series."""
    for option in (
        click.option("--view", default="", help="viewId, of the lane ui."),
        click.option("--type", required=True, help="messageType."),
        click.option(
            "--lane",
            type=click.Choice(["parsed", "ui"]),
            default="parsed",
            help="Lane of the field.",
        ),
        click.option("--unique", required=True, metavar="ID", help="uniqueId."),
        click.option("--container", required=True, metavar="ID", help="containerId."),
        click.option("--system", required=True, metavar="ID", help="systemId."),
        click.option("--scope", required=True, metavar="ID", help="scopeId."),
    ):
        command = option(command)
    return command


@click.command(context_settings={"ignore_unknown_options": True})  # -5 is a value
@click.argument("field")
@click.argument("comparison", type=click.Choice(list(COMPARISONS)), required=False)
@click.argument("value", required=False)
@click.option("--changes", is_flag=True, help="Where the value changes.")
@click.option("--text", is_flag=True, help="VALUE is a text, whatever it looks like.")
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
@series_options
@with_archive_source
async def find(
    source: ArchiveSource,
    /,
    comparison: str | None,
    value: str | None,
    changes: bool,
    gaps: float | None,
    limit: int | None,
    as_json: bool,
    **options: object,
) -> None:
    """Print where the values of a field meet a condition.

    \b
    Examples (each with --scope, --system, --container, --unique and --type):
      nova find temperature '>' 40 --samples 3     runs of three or more such values
      nova find mode = SAFE --reverse --limit 1     when it was last in this mode
      nova find port = 1 --text                     the text "1" and not the number
      nova find mode --changes
      nova find voltage --gaps 60 --json
    """
    request = _request(options, comparison, value, (changes, gaps))
    left = limit if limit is not None else sys.maxsize
    console, is_behind, count = Console(), False, 0
    async with await source.connect() as client:
        while left:
            request.limit = min(left, timeline.FIND_LIMIT_MAX)
            page = await client.find(request)
            for finding in page.findings:
                _write(finding, console, as_json)
            left -= len(page.findings)
            count += len(page.findings)
            is_behind = page.behind
            request.after_key = page.next_key
            if page.next_key is None:
                break
    if not count:
        click.echo("Nothing found. A field or series that does not exist has no values.", err=True)
    if is_behind:
        click.echo("The newest values are not searched yet: the sampler is behind.", err=True)


def _request(
    options: dict[str, object],
    comparison: str | None,
    value: str | None,
    other: tuple[bool, float | None],
) -> timeline.Find:
    """The message of the options; raises click.UsageError."""
    changes, gaps = other
    kinds = [comparison is not None, changes, gaps is not None]
    if sum(kinds) != 1 or (comparison is None) != (value is None):
        raise click.UsageError(
            f"state one condition: COMPARISON ({' '.join(COMPARISONS)}) and VALUE, --changes, or "
            "--gaps SECONDS"
        )
    condition: FindCondition = "change" if changes else "gap"
    if comparison is not None:
        condition = COMPARISONS[comparison]
    seconds = gaps if gaps is not None else cast("float", options["seconds"])
    return timeline.Find(
        scope_id=str(options["scope"]),
        system_id=str(options["system"]),
        container_id=str(options["container"]),
        unique_id=str(options["unique"]),
        lane="ui" if options["lane"] == "ui" else "parsed",
        message_type=str(options["type"]),
        view_id=str(options["view"]),
        field=str(options["field"]),
        condition=condition,
        value=None if value is None else _value(value, is_text=bool(options["text"])),
        min_samples=cast("int", options["samples"]),
        min_seconds=seconds,
        start_time=cast("str | None", options["start"]),
        stop_time=cast("str | None", options["stop"]),
        timebase=cast("Timebase | None", options["timebase"]),
        reverse=bool(options["reverse"]),
    )


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
