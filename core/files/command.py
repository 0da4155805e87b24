"""`nova files`: the daily files of an archive on this machine, looked after by hand."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from core.files.app import locked, viewing
from core.files.daily import read_state, write_state
from core.files.day import span_of
from core.files.rebuild import rebuild
from core.store import catalog
from sdk import private, settings, timestamps
from sdk.cli.console import say_json
from sdk.drivers.registry import Registry
from sdk.errors import NovaError
from sdk.settings import Settings
from sdk.timestamps import NS_MIN


class FilesStatus(msgspec.Struct, rename="camel"):
    """How far the daily files are."""

    folder: str
    written_to: str | None
    day: str | None
    files: int
    failures: int
    last_failure: str | None


@click.group()
def files() -> None:
    """Daily files: how far they are, and days made anew from truth."""


def _settings(data: Path | None, config: Path | None) -> Settings:
    # A scope is asked of who runs a payload; what is done here needs none.
    return settings.load(config, data=None if data is None else str(data), mode="ground")


@files.command()
@click.option("--data", type=click.Path(path_type=Path), envvar="NOVA_DATA", help="Data folder.")
@click.option("--config", type=click.Path(path_type=Path), help="A nova.toml.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(data: Path | None, config: Path | None, as_json: bool) -> None:
    """Up to when the daily files are written, and what has gone wrong."""
    root = _settings(data, config).files_folder()
    state = read_state(root)
    until = None if state.cursor_ns == NS_MIN else timestamps.text(state.cursor_ns)
    found = FilesStatus(
        str(root), until, state.day or None, len(state.files), state.failures,
        state.last_failure or None,
    )  # fmt: skip
    if as_json:
        say_json(found)
        return
    click.echo(f"written up to {until or 'nothing yet'} in {root}")
    if state.day:
        click.echo(f"{state.day} is being written: {len(state.files)} files")
    click.echo(f"{state.failures} failures; the last: {state.last_failure or 'none'}")


@files.command(name="rebuild")
@click.argument("day", metavar="YYYY-MM-DD")
@click.option("--data", type=click.Path(path_type=Path), envvar="NOVA_DATA", help="Data folder.")
@click.option("--config", type=click.Path(path_type=Path), help="A nova.toml.")
def rebuild_day(day: str, data: Path | None, config: Path | None) -> None:
    """Make the files of a UTC day anew from truth, and put them in the place of those there.

    The day that is being written can be made anew only while NOVA does not run: the files then hold
    what the archive holds, and when NOVA runs again it writes that day from its beginning.

    \b
    Example:
      nova files rebuild 2026-01-26 --data /archive
    """
    private.begin()
    chosen = _settings(data, config)
    root = chosen.files_folder()
    state = read_state(root)
    if day == state.day:
        # Whoever writes it holds the lock, and then this ends here.
        with locked(root):
            state.cursor_ns, state.day, state.files = span_of(day)[0] - 1, "", []
            state.is_closing = state.is_second = False
            write_state(root, state)
    registry = Registry.load(chosen.chosen_drivers() or settings.SHIPPED_DRIVERS)
    with viewing(chosen.folder()) as view:
        stored = view.archive.get("catalog", catalog.LAST_CANONICAL_KEY)
        view.advance(catalog.decode_time(stored))
        failures = rebuild(view, registry, root, day, lambda events: None)
    for failure in failures:
        click.echo(f"not written: {failure.target_id} {failure.reason}", err=True)
    click.echo(f"{day} is made anew in {root / day}", err=True)
    if failures:
        raise NovaError(f"{len(failures)} files of {day} could not be made")
