"""`nova files`: status and manual rebuild of the daily files on this machine."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from nova.console.printing import print_json
from nova.core.disk_reserve import MIB, DiskReserve
from nova.core.files.daily_files_state import read_state, write_state
from nova.core.files.day_rebuild import rebuild_day_files
from nova.core.files.files_process import lock_folder, open_snapshot
from nova.core.utc_day import span_of
from nova.sdk import settings, stored_files, timestamps
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.errors import NovaError
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MIN


class FilesStatus(msgspec.Struct, rename="camel"):
    """The output of `nova files status --json`."""

    folder: str
    written_to: str | None
    day: str | None
    files: int
    shared: int
    failures: int
    last_failure: str | None


@click.group()
def files() -> None:
    """Daily files: show their status, rebuild a day from the archive.

    \b
    Examples:
      nova files status --data /archive
      nova files rebuild 2026-01-26 --data /archive
    """


def _settings(data: Path | None, config: Path | None) -> Settings:
    # A payload's settings require a scope, which is not needed here; mode ground requires none.
    return settings.load(config, data=None if data is None else str(data), mode="ground")


@files.command()
@click.option("--data", type=click.Path(path_type=Path), envvar="NOVA_DATA", help="Data folder.")
@click.option("--config", type=click.Path(path_type=Path), help="A nova.toml.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(data: Path | None, config: Path | None, as_json: bool) -> None:
    """Show up to when the daily files are written, and failures.

    \b
    Example:
      nova files status --data /archive
    """
    root = _settings(data, config).files_folder()
    state = read_state(root)
    until = None if state.cursor_ns == NS_MIN else timestamps.text(state.cursor_ns)
    found = FilesStatus(
        str(root), until, state.day or None, len(state.files), state.shared_files(),
        state.failures,
        state.last_failure or None,
    )  # fmt: skip
    if as_json:
        print_json(found)
        return
    click.echo(f"written up to {until or 'nothing yet'} in {root}")
    if state.day:
        click.echo(f"{state.day} is being written: {len(state.files)} files")
    if shared := state.shared_files():
        click.echo(
            f"{shared} of them are shared by streams that came when the day had as many as "
            "`files_max` allows"
        )
    click.echo(f"{state.failures} failures; the last: {state.last_failure or 'none'}")


@files.command(name="rebuild")
@click.argument("day", metavar="YYYY-MM-DD")
@click.option("--data", type=click.Path(path_type=Path), envvar="NOVA_DATA", help="Data folder.")
@click.option("--config", type=click.Path(path_type=Path), help="A nova.toml.")
def rebuild_day(day: str, data: Path | None, config: Path | None) -> None:
    """Rebuild the files of a UTC day from the archive and replace the existing ones.

    The day that is being written can be rebuilt only while NOVA is stopped. Its files then contain
    what the archive contains so far; when NOVA starts again, it writes that day from the beginning.

    \b
    Example:
      nova files rebuild 2026-01-26 --data /archive
    """
    chosen = _settings(data, config)
    stored_files.restrict_umask(chosen.group)
    root = chosen.files_folder()
    state = read_state(root)
    if day == state.day:
        # Fails here if a running NOVA holds the lock.
        with lock_folder(root):
            state.cursor_ns, state.day, state.files = span_of(day)[0] - 1, "", []
            state.is_closing = state.is_second = False
            write_state(root, state)
    registry = DriverRegistry.load(chosen.chosen_drivers() or settings.SHIPPED_DRIVERS)
    with open_snapshot(chosen.data_folder()) as snapshot:
        snapshot.advance(snapshot.archive.record.last_canonical_ns())
        reserve = DiskReserve(root, chosen.reserve_mib * MIB, chosen.data_folder())
        failures = rebuild_day_files(
            *(snapshot, registry, root, day, lambda events: None, reserve, chosen.files_max),
            compresses=chosen.files_compression != "none",
        )
    for failure in failures:
        click.echo(f"not written: {failure.target_id or failure.path} {failure.reason}", err=True)
    click.echo(f"{day} rebuilt in {root / day}", err=True)
    if failures:
        raise NovaError(f"{len(failures)} files of {day} were not written; see the reasons above")
