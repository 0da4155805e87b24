"""`nova rebuild`: rebuilds derived databases from the archive, whether or not NOVA is running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import click

from nova.console.printing import print_json
from nova.console.progress_bar import events_progress
from nova.core.derived import alarm_follower, checkpoint_follower
from nova.core.derived.alarm_maker import AlarmMaker
from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.errors import ArchiveError
from nova.core.query.derived_reader import DerivedReader
from nova.core.scratch import scratch_folder
from nova.core.store.alarm_store import AlarmStore
from nova.core.store.archive import TRUTH_FOLDER
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.derived_database import DerivedDatabase
from nova.core.store.durability_marker import read_marker
from nova.core.store.rebuild_request import rebuild_request_file
from nova.sdk import logs, settings, stored_files
from nova.sdk.settings import Settings

WATCH_INTERVAL_S = 0.2
NS_PER_MS = 1_000_000

ReportRebuildProgress = Callable[[int, int, int], None]
"""Called with progress and total, in ms of canonical time, and the number of folded events."""


class RebuiltData(NamedTuple):
    """What is rebuilt: its database, and the maker of a data folder."""

    store: type[DerivedDatabase]
    events: str
    opened: Callable[[Path], AbstractAsyncContextManager[CheckpointMaker | AlarmMaker]]


@click.group()
def rebuild() -> None:
    """Rebuild derived data from the archive; the archive itself is only read.

    \b
    Example:
      nova rebuild checkpoints --data /archive
    """


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a rebuild."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result, no progress."),
        click.option("--config", type=click.Path(path_type=Path), help="A nova.toml."),
        click.option("--data", type=click.Path(path_type=Path), help="Folder of the archive."),
    ):
        command = option(command)
    return command


@rebuild.command()
@source_options
def checkpoints(data: Path | None, config: Path | None, as_json: bool) -> None:
    """Rebuild the checkpoints of all views.

    If NOVA is running on that folder, its own process rebuilds them and this command waits until
    it is done. View states stay correct meanwhile; they only take longer to compute.

    \b
    Example:
      nova rebuild checkpoints --data /archive
    """
    rebuilt = RebuiltData(CheckpointStore, "updates", checkpoint_follower.open_maker)
    _run(rebuilt, settings.load(config, mode="ground"), data, as_json)


@rebuild.command()
@source_options
def alarms(data: Path | None, config: Path | None, as_json: bool) -> None:
    """Judge all events again, by the rules of their time.

    If NOVA is running on that folder, its own process does it and this command waits until it is
    done. Until then the list of alarms says how far it is.

    \b
    Example:
      nova rebuild alarms --data /archive
    """
    chosen = settings.load(config, mode="ground")

    def opened(folder: Path) -> AbstractAsyncContextManager[AlarmMaker]:
        return alarm_follower.open_alarm_maker(folder, chosen.own_scope())

    _run(RebuiltData(AlarmStore, "events", opened), chosen, data, as_json)


def _run(rebuilt: RebuiltData, chosen: Settings, data: Path | None, as_json: bool) -> None:
    logs.configure("rebuild")
    stored_files.restrict_umask(chosen.group)
    folder = Path(data) if data else chosen.data_folder()
    if not (folder / TRUTH_FOLDER).exists():
        raise ArchiveError(f"{folder} contains no archive: pass its data folder with --data")
    content = rebuilt.store.CONTENT
    started = time.perf_counter()
    bar = nullcontext(lambda *_: None) if as_json else events_progress(content)
    with bar as report:
        count = asyncio.run(_rebuild(rebuilt, folder, report))
    seconds = round(time.perf_counter() - started, 3)
    if as_json:
        print_json({rebuilt.events: count, "seconds": seconds})
    else:
        done = "by the running NOVA" if count is None else f"from {count:,} {rebuilt.events}"
        click.echo(f"{content} rebuilt {done} in {seconds:.1f} s")


async def _rebuild(rebuilt: RebuiltData, data: Path, report: ReportRebuildProgress) -> int | None:
    """Rebuild in this process and return the number of events. If a running NOVA holds the
    database, request the rebuild, wait for it and return None.
    """
    try:
        return await _make(rebuilt, data, report)
    except ArchiveError as error:
        if "/LOCK" not in str(error):
            raise
    rebuild_request_file(data, rebuilt.store.FOLDER).touch()
    await _watch(rebuilt, data, report)
    return None


async def _make(rebuilt: RebuiltData, data: Path, report: ReportRebuildProgress) -> int:
    marker = read_marker(data)
    watermark = 0 if marker is None else marker.canonical_ns
    updates = 0
    async with rebuilt.opened(data) as maker:
        maker.reset()
        first_ns = maker.first_ns
        for count in maker.make(watermark):
            updates += count
            report(
                max(0, maker.cursor_ns - first_ns) // NS_PER_MS,
                max(1, watermark - first_ns) // NS_PER_MS,
                updates,
            )
    return updates


async def _watch(rebuilt: RebuiltData, data: Path, report: ReportRebuildProgress) -> None:
    """Wait until the running process has rebuilt up to the durability marker at the request."""
    marker = read_marker(data)
    watermark = 0 if marker is None else marker.canonical_ns
    with scratch_folder("rebuild") as scratch:
        followed = DerivedReader(rebuilt.store, data, scratch)
        first_ns: int | None = None
        while True:
            store = followed.current()
            state = None if store is None else store.state()
            if not rebuild_request_file(data, rebuilt.store.FOLDER).exists() and state is not None:
                first_ns = state.cursor_ns if first_ns is None else first_ns
                whole = max(1, watermark - first_ns) // NS_PER_MS
                report(max(0, state.cursor_ns - first_ns) // NS_PER_MS, whole, 0)
                if state.cursor_ns >= watermark:
                    break
            await asyncio.sleep(WATCH_INTERVAL_S)
        followed.close()
