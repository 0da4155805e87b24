"""`nova alarms`: lists alarms at a time, or their transitions, as a table or JSON lines."""

from __future__ import annotations

import sys
from typing import Any, cast

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nova.console.archive_options import ArchiveSource, TimeParameter, with_archive_source
from nova.console.printing import plain
from nova.sdk.client.client import Client
from nova.sdk.protocol.alarm_messages import (
    AlarmCounts,
    AlarmHistory,
    AlarmInfo,
    AlarmListing,
    Alarms,
    AlarmTransition,
)
from nova.sdk.protocol.messages import Filters, Timebase

WIDE_CHARS = 200
"""Width of the table if the output is not a terminal."""

LISTINGS = ("active", "unacknowledged", "shelved", "disabled", "all")


@click.command()
@click.option("--history", is_flag=True, help="Transitions instead of states.")
@click.option("--at", "time", type=TimeParameter(), help="Time of the states; without it now.")
@click.option("--listing", type=click.Choice(LISTINGS), default="active", help="Which alarms.")
@click.option("--from", "start", type=TimeParameter(), help="First time of the history.")
@click.option("--to", "stop", type=TimeParameter(), help="Last time of the history.")
@click.option("--timebase", type=click.Choice(["source", "canonical"]), help="Clock of the times.")
@click.option("--rule", metavar="ID", help="ruleId, or viewId:key of a manifest's limits.")
@click.option("--scope", metavar="ID", help="scopeId.")
@click.option("--unique", metavar="ID", help="uniqueId.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
@with_archive_source
async def alarms(
    source: ArchiveSource, /, history: bool, as_json: bool, **options: str | None
) -> None:
    """List alarms, or their transitions.

    \b
    Examples:
      nova alarms                                   active ones, and counts by scope
      nova alarms --at 2026-01-01T00:00:00Z --timebase source --listing all
      nova alarms --history --from 2026-01-01T00:00:00Z --json
    """
    if history and (options["time"] or options["listing"] != "active"):
        raise click.UsageError("--history has --from and --to; --at and --listing are of states")
    if not history and (options["start"] or options["stop"]):
        raise click.UsageError("--from and --to are of --history; --at is of states")
    async with await source.connect() as client:
        if history:
            is_behind = await _print_history(client, options, as_json)
        else:
            is_behind = await _print_states(client, options, as_json)
    if is_behind:
        click.echo("The newest events are not judged yet: alarms are behind.", err=True)


def _filters(options: dict[str, str | None]) -> Filters:
    scope = options["scope"]
    return Filters(scope_ids=None if scope is None else [scope], unique_id=options["unique"])


async def _print_states(client: Client, options: dict[str, str | None], as_json: bool) -> bool:
    request = Alarms(
        time=options["time"],
        timebase=cast("Timebase | None", options["timebase"]),
        listing=cast("AlarmListing", options["listing"]),
        filters=_filters(options),
        rule=options["rule"],
    )
    page = await client.alarms(request)
    found, counts = list(page.alarms), page.counts
    while page.next_key is not None:
        request.after_key = page.next_key
        page = await client.alarms(request)
        found += page.alarms
    if as_json:
        _write_lines(found)
    else:
        _print_table(found)
        for one in counts:
            click.echo(plain(_count_line(one)))
    return page.behind


async def _print_history(client: Client, options: dict[str, str | None], as_json: bool) -> bool:
    request = AlarmHistory(
        start_time=options["start"],
        stop_time=options["stop"],
        timebase=cast("Timebase | None", options["timebase"]),
        filters=_filters(options),
        rule=options["rule"],
    )
    while True:
        page = await client.alarm_history(request)
        if as_json:
            _write_lines(page.transitions)
        else:
            for one in page.transitions:
                click.echo(plain(_history_line(one)))
        if page.next_key is None:
            return page.behind
        request.after_key = page.next_key


def _write_lines(found: list[Any]) -> None:
    for one in found:
        sys.stdout.buffer.write(msgspec.json.encode(one) + b"\n")
    sys.stdout.flush()


def _entity(alarm: AlarmInfo) -> str:
    return "/".join((alarm.scope_id, alarm.system_id, alarm.container_id, alarm.unique_id))


def _state(alarm: AlarmInfo) -> str:
    """The state as people read it."""
    if alarm.disabled:
        return "disabled"
    state: str = alarm.state
    if alarm.acknowledged_by is not None and state == "acknowledged":
        state += f" by {alarm.acknowledged_by}"
    if alarm.shelved:
        state += f", shelved until {alarm.shelved_until or 'unshelved'}"
    return state


def _print_table(found: list[AlarmInfo]) -> None:
    table = Table("severity", "rule", "entity", "field", "value", "since", "state", "comment")
    for alarm in found:
        cells = (
            alarm.severity or "",
            alarm.rule,
            _entity(alarm),
            alarm.field,
            "" if alarm.value is None else str(alarm.value),
            alarm.since or "",
            _state(alarm),
            alarm.comment or "",
        )
        table.add_row(*(Text(plain(cell)) for cell in cells))  # Brackets are no markup.
    Console(width=None if sys.stdout.isatty() else WIDE_CHARS).print(table)


def _count_line(counts: AlarmCounts) -> str:
    worst = "" if counts.worst is None else f" (worst: {counts.worst})"
    return (
        f"{counts.scope_id}: {counts.raised} raised{worst}, {counts.acknowledged} acknowledged, "
        f"{counts.cleared} cleared, {counts.shelved} shelved, {counts.disabled} disabled, "
        f"{counts.normal} normal"
    )


def _history_line(one: AlarmTransition) -> str:
    alarm = one.alarm
    value = "" if alarm.value is None else f" at {alarm.value}"
    severity = "" if alarm.severity is None else f" {alarm.severity}"
    return f"{one.time} {one.change}{severity} {alarm.rule} {_entity(alarm)}{value}"
