"""`nova status`: shows an instance's contents, its links, and what it uses of files."""

from __future__ import annotations

import asyncio
import sys
import time

import click
import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from nova.cli.configured_files import configured_files
from nova.console.archive_options import ArchiveSource, with_archive_source
from nova.sdk import timestamps
from nova.sdk.protocol.health import BackupInfo
from nova.sdk.protocol.messages import LinkInfo, OutageInfo, StatusResponse
from nova.sdk.timestamps import NS_PER_SECOND

WATCH_INTERVAL_S = 1.0
SECONDS_CHARS = len("2026-01-01T00:00:00")
COLOURS = {"connected": "green", "unreachable": "red", "unknown": "yellow"}
AGE_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--watch", is_flag=True, help="Refresh every second, until Ctrl-C.")
@with_archive_source
async def status(source: ArchiveSource, /, as_json: bool, watch: bool) -> None:
    """Show an instance's contents and its links.

    A link's lag is the number of records that its backend holds and the archive has not ingested. A
    gap is a range of records that the backend no longer had; events of the type IngestGap hold the
    details. Of rules, definitions and notifications it shows how many are in effect, the faults of
    their files, and the last outcome of each.

    \b
    Examples:
      nova status --data ./nova-data
      nova status --watch
      nova status --url http://127.0.0.1:8800 --user admin --json
    """
    async with await source.connect() as client:
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(await client.status()) + b"\n")
        elif not watch:
            Console().print(render_status(await client.status(), time.time_ns()))
        else:
            with Live(render_status(await client.status(), time.time_ns())) as shown:
                while True:
                    await asyncio.sleep(WATCH_INTERVAL_S)
                    shown.update(render_status(await client.status(), time.time_ns()), refresh=True)


def _counts(found: StatusResponse) -> str:
    if found.limited:
        return "counts are for users who see all scopes and lanes"
    return (
        f"{found.events:,} events in {found.series:,} series, {found.duplicates:,} duplicates, "
        f"{found.rejects:,} refused"
    )


def render_status(found: StatusResponse, now_ns: int) -> RenderableType:
    """The status as text for people."""
    scope = found.scope_id or "all scopes"
    writer = "connected" if found.writer_connected else "[red]away[/red]"
    lines = (
        f"{found.mode} of {scope}, timebase {found.timebase}, writer {writer}",
        f"{_counts(found)}, {found.bytes_on_disk / 1e6:,.1f} MB on disk",
        f"durable up to {found.durable_time or 'nothing yet'}",
    )
    parts: list[RenderableType] = [Text.from_markup(line) for line in lines]
    if found.links:
        parts.append(_links(found.links, now_ns))
    for link in found.links:
        for warning in link.warnings:
            parts.append(Text.from_markup(f"[yellow]{escape(link.link)}: {escape(warning)}[/]"))
    for process in found.processes:
        if process.state != "ready":
            parts.append(Text.from_markup(f"[red]{process.name} is {process.state}[/]"))
    parts += configured_files(found.configured, lambda time: _age(time, now_ns))
    if found.shared_files:
        text = f"daily files: the day has as many as `files_max` allows; {found.shared_files}"
        parts.append(Text.from_markup(f"[yellow]{text} of them are shared by later streams[/]"))
    if found.derived_remade:
        text = f"damaged and rebuilt {found.derived_remade} times; the last: "
        parts.append(
            Text.from_markup(f"[yellow]{text}{escape(found.derived_last_remade or '')}[/]")
        )
    if found.backup is not None:
        parts += _backup(found.backup, now_ns)
    for conflict in found.manifest_conflicts:
        parts.append(Text.from_markup(f"[yellow]{escape(conflict)}[/]"))
    if found.quarantined:
        parts.append(
            Text.from_markup(
                f"[yellow]cut off by damage: {len(found.quarantined)}, kept in quarantine/[/]"
            )
        )
    return Group(*parts)


def _backup(found: BackupInfo, now_ns: int) -> list[Text]:
    """The age of the last backup, and why none was made since."""
    lines = [Text(f"no backup yet to {found.target}", "yellow")]
    if found.time is not None:
        age = _age(found.time, now_ns)
        lines = [Text(f"last backup {age} ago to {found.target}, {found.events:,} events")]
    if found.failure is not None and found.failed_time is not None:
        failed = f"backup failed {_age(found.failed_time, now_ns)} ago: {found.failure}"
        lines.append(Text(failed, "red"))
    return lines


def _links(links: list[LinkInfo], now_ns: int) -> Table:
    table = Table("link", "", "received", "new", "duplicate", "refused", "gaps", "lag")
    table.add_column("last seen")
    table.add_column("outages")
    for link in links:
        counts = (link.received, link.new, link.duplicate, link.rejected, link.gaps)
        table.add_row(
            escape(link.link),
            f"[{COLOURS[link.connection]}]{link.connection}[/]",
            *(f"{count:,}" for count in counts),
            "" if link.lag is None else f"{link.lag:,}",
            "never" if link.last_seen is None else f"{_age(link.last_seen, now_ns)} ago",
            escape(_outages(link.outages, link.last_outage)),
        )
    return table


def _age(text: str, now_ns: int) -> str:
    """The age in the largest unit that fits."""
    seconds = max(0, now_ns - timestamps.parse(text)) // NS_PER_SECOND
    for size, unit in AGE_UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "0 s"


def _outages(count: int, last: OutageInfo | None) -> str:
    if last is None:
        return "none"
    began = last.began[:SECONDS_CHARS]
    span = f"since {began} UTC" if last.ended is None else f"{began} to {last.ended[11:19]} UTC"
    return f"{count}, the last {span}: {last.reason}"
