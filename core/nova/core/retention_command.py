"""`nova retention`: shows and runs what the rules of retention delete."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import aiohttp
import click
import msgspec

from nova.console.printing import print_json, warn
from nova.core.files.files_process import open_snapshot
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.retention.deleted_daily_files import DailyFilesSize, ScopeLane, lane_day
from nova.core.retention.due_days import age_clock, due_days
from nova.core.retention.retention_messages import (
    RETENTION_PATH,
    RetentionDone,
    RetentionFailed,
    RetentionProgress,
    RunRetention,
    decode_reply,
    done_reply,
    encode,
)
from nova.core.retention.survey import day_parts
from nova.core.utc_day import span_of
from nova.core.writer.committer import Committer
from nova.core.writer.day_removal import Requester
from nova.core.writer.retention import retention_of
from nova.core.writer.writer_process import open_committer
from nova.sdk import endpoints, private, settings, timestamps, unix_user
from nova.sdk.errors import NovaError
from nova.sdk.retention_rule import RetentionRule, retention_rules
from nova.sdk.settings import Settings

T = TypeVar("T")


class PlannedDay(msgspec.Struct, rename="camel"):
    """A day that the rules no longer keep; one that is not sealed, or whose seal does
    not list its scopes and lanes, waits, with those after it.
    """

    day: str
    scope_id: str
    lane: str
    rule: str
    is_sealed: bool
    is_listed: bool
    events: int
    bytes: int
    files: int
    file_bytes: int


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="As JSON."),
        click.option("--config", type=click.Path(path_type=Path), help="A nova.toml."),
        click.option(
            "--data", type=click.Path(path_type=Path), envvar="NOVA_DATA", help="Data folder."
        ),
    ):
        command = option(command)
    return command


@click.group()
def retention() -> None:
    """Delete days that are older than the setting `retention` keeps them.

    \b
    Examples:
      nova retention plan --data /archive
      nova retention plan --rule '*/raw 90d' --data /archive
      nova retention run --config /etc/nova/nova.toml
    """


@retention.command()
@click.option("--rule", "rules", multiple=True, help="A rule, instead of those of the settings.")
@_options
def plan(data: Path | None, config: Path | None, as_json: bool, rules: tuple[str, ...]) -> None:
    """Show the days that would be deleted; nothing is changed.

    The bytes are those of the events' envelopes; on disk they are compressed, and the indexes come
    in addition.

    \b
    Example:
      nova retention plan --data /archive --rule '*/raw 90d' --rule 'sat1/parsed 5y'
    """
    chosen = _settings(data, config)
    parsed = retention_rules(rules or chosen.retention)
    with open_snapshot(chosen.data_folder()) as snapshot:
        snapshot.advance(snapshot.archive.record.last_canonical_ns())
        snapshot.refresh()
        found = list(_planned(snapshot, parsed, chosen.files_folder()))
    if as_json:
        print_json(found)
        return
    if not parsed:
        click.echo("no rules: everything is kept (setting `retention`)")
    for day in found:
        click.echo(
            f"{day.day}  {day.scope_id}/{day.lane}  {day.events:,} events  "
            f"{day.bytes / 1e6:,.1f} MB{_files(day.files, day.file_bytes)}  "
            f"({day.rule}){_state(day)}"
        )
    going = [day for day in found if day.is_listed]
    events, size = sum(day.events for day in going), sum(day.bytes for day in going)
    files = _files(sum(day.files for day in going), sum(day.file_bytes for day in going))
    click.echo(
        f"{events:,} events of {len(going)} days would be deleted, {size / 1e6:,.1f} MB{files}"
    )


def _files(count: int, size: int) -> str:
    """The daily files that go with days."""
    return f", {count:,} daily files of {size / 1e6:,.1f} MB" if count else ""


def _planned(
    snapshot: ArchiveSnapshot, rules: Sequence[RetentionRule], root: Path
) -> Iterator[PlannedDay]:
    archive = snapshot.archive
    before: defaultdict[str, set[ScopeLane]] = defaultdict(set)
    now_ns = age_clock(archive, timestamps.now())
    for due in due_days(archive, snapshot.series, rules, now_ns):
        events = size = 0
        for part in day_parts(archive, due.numbers, span_of(due.day)):
            events += len(part.stored)
            size += sum(map(len, part.stored))
        files = DailyFilesSize()
        if due.rule.removes_files and due.is_listed:
            earlier = before[due.day]
            files = lane_day(archive, due.day, due.scope_id, due.lane, earlier).size(root)
            earlier.add((due.scope_id, due.lane))
        yield PlannedDay(
            day=due.day,
            scope_id=due.scope_id,
            lane=due.lane,
            rule=str(due.rule),
            is_sealed=due.is_sealed,
            is_listed=due.is_listed,
            events=events,
            bytes=size,
            files=files.files,
            file_bytes=files.bytes,
        )


def _state(day: PlannedDay) -> str:
    """Why a day waits."""
    if not day.is_sealed:
        return "  not sealed yet: it waits, with the days after it"
    if not day.is_listed:
        return (
            "  its seal has too many scopes and lanes to list: it is kept, with the days after it"
        )
    return ""


@retention.command()
@_options
def run(data: Path | None, config: Path | None, as_json: bool) -> None:
    """Delete the sealed days that the rules no longer keep, now.

    A running NOVA does it, by its own settings; it also does so by itself every ten minutes.

    \b
    Example:
      nova retention run --data /archive
    """
    private.restrict_umask()
    chosen = _settings(data, config)
    report = (lambda _: None) if as_json else _show
    done = asyncio.run(_run(chosen, report))
    if as_json:
        print_json(done)
        return
    deleted, freed = sum(day.deleted for day in done.days), done.bytes_before - done.bytes_after
    click.echo(
        f"{deleted:,} events of {len(done.days)} days deleted; the archive is "
        f"{abs(freed) / 1e6:,.1f} MB {'smaller' if freed >= 0 else 'larger'}"
        + _files(sum(day.files for day in done.days), sum(day.file_bytes for day in done.days))
    )


def _show(progress: RetentionProgress) -> None:
    if progress.step == "delete":
        what = f"{progress.scope_id}/{progress.lane}, {progress.events:,} events"
        click.echo(f"deleting {progress.day} of {what}", err=True)
    else:
        click.echo("compacting", err=True)


def _settings(data: Path | None, config: Path | None) -> Settings:
    # A payload's settings require a scope, which is not needed here; mode ground requires none.
    return settings.load(config, data=None if data is None else str(data), mode="ground")


async def _run(chosen: Settings, report: Callable[[RetentionProgress], None]) -> RetentionDone:
    """Run retention in the running writer; without one, in this process."""
    path = endpoints.writer_socket(chosen.data_folder())
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
        try:
            socket = await session.ws_connect(f"http://writer{RETENTION_PATH}", max_msg_size=0)
        except aiohttp.ClientConnectorError:
            return await _run_here(chosen, report)
        async with socket:
            await socket.send_bytes(encode(RunRetention(_user())))
            async for message in socket:
                reply = decode_reply(message.data)
                if isinstance(reply, RetentionDone):
                    return reply
                if isinstance(reply, RetentionFailed):
                    raise NovaError(reply.reason)
                report(reply)
    raise NovaError("NOVA stopped before the run had ended; it is continued at its next start")


async def _run_here(chosen: Settings, report: Callable[[RetentionProgress], None]) -> RetentionDone:
    if not chosen.retention:
        warn("no rules: everything is kept (setting `retention`)")
    with open_committer(chosen) as committer:
        archive = committer.archive

        async def submit(write: Callable[[Committer], T]) -> T:
            result = write(committer)
            committer.close_commit()
            archive.sync()
            return result

        async def show(progress: RetentionProgress) -> None:
            report(progress)

        with closing(retention_of(chosen, committer, submit)) as days:
            before = archive.bytes_on_disk()
            done = await days.give_back(Requester(_user(), "local"), show)
        return done_reply(done, before, archive.bytes_on_disk())


def _user() -> str:
    return unix_user.name_of(os.getuid())
