"""`nova derive`: derives telemetry over history, checks definitions and compares versions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import click

from nova.console.archive_options import TimeParameter
from nova.console.check_report import CheckReport
from nova.console.printing import plain, print_json, warn
from nova.console.progress_bar import events_progress
from nova.core.definitions import definition_files
from nova.core.definitions.definition import Definition
from nova.core.definitions.definition_files import FileFault, LoadedDefinitions
from nova.core.definitions.definition_graph import in_order
from nova.core.derivation.formula_process import (
    EVALUATION_LIMITS,
    EvaluationLimits,
    FormulaProcess,
)
from nova.core.derivation.history_job import (
    HistoryRequest,
    HistoryResult,
    HistorySummary,
    durable_watermark,
    open_history,
)
from nova.core.derivation.version_diff import Difference, VersionDiff
from nova.sdk import lifecycle, settings, timestamps
from nova.sdk.errors import NovaError
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX, NS_MIN

SHOWN_DIFFERENCES = 20
EXAMPLE = """such as

id = "batteryPower"
version = "1.0.0"
expression = "2.0 * volts"

[inputs.volts]
address = "nova.sat1.parsed.bus.eps.battery.v1"
type = "Battery"
field = "volts"

[output]
address = "nova.sat1.parsed.derived.eps.battery.v1"
type = "BatteryPower"
field = "watts"
card = false"""


def archive_options(command: Callable[..., None]) -> Callable[..., None]:
    """Where the archive and its definitions are, and the range."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="As JSON."),
        click.option("--config", type=click.Path(path_type=Path), help="A nova.toml."),
        click.option(
            "--definitions",
            type=click.Path(path_type=Path),
            help="Folder of definitions [the setting].",
        ),
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            envvar="NOVA_DATA",
            help="Data folder of a NOVA on this machine [./nova-data].",
        ),
        click.option(
            "--to", "stop", type=TimeParameter(), help="Last source time, inclusive [the last]."
        ),
        click.option(
            "--from", "start", type=TimeParameter(), help="First source time [the first]."
        ),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@archive_options
@click.option(
    "--definition", "names", multiple=True, help="`id` or `id@version`; repeatable [all]."
)
@click.option("--dry-run", is_flag=True, help="Compute and count; publish nothing.")
@click.option("--out", type=click.Path(path_type=Path), help="Write events to a file instead.")
@click.option("--restart", is_flag=True, help="Begin again instead of resuming.")
@click.pass_context
def derive(
    ctx: click.Context,
    start: str | None,
    stop: str | None,
    data: Path | None,
    definitions: Path | None,
    config: Path | None,
    as_json: bool,
    names: tuple[str, ...],
    dry_run: bool,
    out: Path | None,
    restart: bool,
) -> None:
    """Derive telemetry over history, by the definitions of an instance.

    Publishes the same events as if they had been derived live: those that are there already are
    recognised. Interrupted, the same command resumes.

    \b
    Examples:
      nova derive --data /archive --from 2026-01-01T00:00:00Z --to now
      nova derive --data /archive --definition power@1.1.0 --dry-run
      nova derive diff power@1.0.0 power@1.1.0 --data /archive
      nova derive check definitions/power.toml
    """
    if ctx.invoked_subcommand is not None:
        return
    if dry_run and out is not None:
        raise click.UsageError("give one of --dry-run and --out")
    chosen = _settings(data, config, definitions)
    request = HistoryRequest(
        in_order(_chosen(_loaded(chosen), names)), *_bounds(start, stop), out, dry_run, restart
    )
    lifecycle.prepare_for_batches()
    try:
        result = asyncio.run(_derive(chosen, request))
    except KeyboardInterrupt:
        click.echo("interrupted; run the same command again to resume", err=True)
        raise
    _print_summaries(result.summaries, as_json)
    _raise_failures(result)


async def _derive(chosen: Settings, request: HistoryRequest) -> HistoryResult:
    with events_progress("derive") as report:
        async with open_history(chosen) as job:
            return await job.run(request, report)


def _print_summaries(summaries: list[HistorySummary], as_json: bool) -> None:
    for one in summaries:
        if as_json:
            print_json(one)
            continue
        source = "columns" if one.reads_columns else "events"
        click.echo(
            f"{one.definition}: {one.inputs:,} rows from {source}, {one.outputs:,} records, "
            f"{one.failures:,} failures"
        )


def _raise_failures(result: HistoryResult) -> None:
    """Raise a NovaError of what is not whole: what, why, and what to do."""
    faults = [
        f"{one.definition} is not derived to the end: {one.reason}: correct its formula, see `nova "
        f"derive check`, and run the same command with --definition {one.definition}"
        for one in result.failures
    ]
    if any(one.refused for one in result.summaries):
        faults.append("the Core refused derived events: `nova rejects` lists them")
    if faults:
        raise NovaError("\n".join(faults))


@derive.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=EVALUATION_LIMITS.time_s,
    show_default=True,
    help="Seconds that the trial of a formula may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def check(files: tuple[Path, ...], timeout_s: float, as_json: bool) -> None:
    """Check definition files, or all of a folder, by themselves and together.

    Each formula is tried with a value of each input, in a process of its own. Every fault is
    printed with its file, place, kind, rule and remedy, and the exit status is 1; without any
    definition it is 3.

    \b
    Example:
      nova derive check definitions
    """
    loaded = _read_all(files)
    limits = EVALUATION_LIMITS._replace(time_s=timeout_s)
    faults = [*loaded.faults, *asyncio.run(_formula_faults(loaded, limits))]
    listed = [{"file": str(path), "fault": str(fault), **fault._asdict()} for path, fault in faults]
    count = len(loaded.files)
    nothing = ""
    if not count and not faults:
        nothing = f"{files[0]}: has no definition: a definition is a *.toml or *.json: {EXAMPLE}"
    sound = f"{count} definitions, no faults"
    CheckReport({"definitions": count}, listed, sound, nothing).finish(as_json=as_json)


async def _formula_faults(loaded: LoadedDefinitions, limits: EvaluationLimits) -> list[FileFault]:
    process = FormulaProcess("check", limits)
    try:
        return [
            FileFault(path, fault)
            for path, definition in loaded.files
            for fault in await process.check(definition)
        ]
    finally:
        await process.close()


def _read_all(files: tuple[Path, ...]) -> LoadedDefinitions:
    if len(files) == 1 and files[0].is_dir():
        return definition_files.load(files[0])
    return definition_files.load_files(files)


@derive.command()
@click.argument("first")
@click.argument("second")
@archive_options
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=SHOWN_DIFFERENCES,
    show_default=True,
    help="Most differences to print.",
)
def diff(
    first: str,
    second: str,
    start: str | None,
    stop: str | None,
    data: Path | None,
    definitions: Path | None,
    config: Path | None,
    as_json: bool,
    limit: int,
) -> None:
    """Show where the events of two versions differ, time by time.

    \b
    Example:
      nova derive diff power@1.0.0 power@1.1.0 --data /archive
    """
    chosen = _settings(data, config, definitions)
    loaded = _loaded(chosen)
    both = loaded.named(first), loaded.named(second)
    asyncio.run(_diff(chosen, both, _bounds(start, stop), limit, as_json))


async def _diff(
    chosen: Settings,
    both: tuple[Definition, Definition],
    bounds: tuple[int, int],
    limit: int,
    as_json: bool,
) -> None:
    async with open_history(chosen) as job:
        snapshot = job.snapshot
        snapshot.advance(await durable_watermark(chosen.data_folder(), snapshot))
        found = VersionDiff(snapshot, *both)
        differences = found.differences(*bounds)
        for difference in islice(differences, limit):
            _print_difference(difference, as_json)
        for _ in differences:
            pass
    counts = found.counts
    if as_json:
        print_json(counts)
        return
    click.echo(
        f"{counts.same:,} times are the same, {counts.different:,} differ by {counts.largest:g} at "
        f"most, {counts.only_first:,} are of {both[0].name} alone, {counts.only_second:,} of "
        f"{both[1].name} alone"
    )


def _print_difference(difference: Difference, as_json: bool) -> None:
    time = timestamps.text(difference.time_ns)
    if as_json:
        print_json({"time": time, "first": difference.first, "second": difference.second})
        return
    first, second = (_shown(values) for values in (difference.first, difference.second))
    click.echo(plain(f"{time}  {first}  {second}"))


def _shown(values: tuple[object, ...]) -> str:
    return ", ".join(str(value) for value in values) or "-"


def _settings(data: Path | None, config: Path | None, folder: Path | None) -> Settings:
    # A payload's settings require a scope, which is not needed here; mode ground requires none.
    return settings.load(
        config,
        data=None if data is None else str(data),
        definitions=None if folder is None else str(folder),
        mode="ground",
    )


def _loaded(chosen: Settings) -> LoadedDefinitions:
    if chosen.definitions is None:
        raise NovaError(
            "definitions: no folder is set: give --definitions FOLDER, --config or NOVA_DEFINITIONS"
        )
    loaded = definition_files.load(Path(chosen.definitions))
    for fault in loaded.faults:
        warn(str(fault))
    return loaded


def _chosen(loaded: LoadedDefinitions, names: tuple[str, ...]) -> list[Definition]:
    if names:
        return [loaded.named(name) for name in names]
    if not loaded.files:
        raise NovaError("definitions: the folder has no definition that can be used")
    return [one.definition for one in loaded.files]


def _bounds(start: str | None, stop: str | None) -> tuple[int, int]:
    return (
        NS_MIN if start is None else timestamps.parse(start),
        NS_MAX if stop is None else timestamps.parse(stop),
    )
