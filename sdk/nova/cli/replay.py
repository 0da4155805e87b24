"""`nova replay`: reads a range of the archive with several processes, for exporters."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from nova.console.archive_options import TimeParameter, filter_options, filters_from_options
from nova.console.printing import print_json
from nova.console.progress_bar import events_progress
from nova.sdk import default_timebase
from nova.sdk.batch import sinks
from nova.sdk.batch.request import ReplayRequest, ReplaySummary, ReportCallback
from nova.sdk.errors import NovaError
from nova.sdk.protocol.messages import Timebase


@click.command()
@click.option(
    "--from", "start", type=TimeParameter(), help="First time, inclusive [the archive's first]."
)
@click.option(
    "--to", "stop", type=TimeParameter(), help="Last time, inclusive [the newest durable]."
)
@click.option(
    "--timebase",
    type=click.Choice(["source", "canonical"]),
    help="Clock that orders events [the instance's default].",
)
@click.option(
    "--shards",
    type=click.IntRange(1, sinks.SHARDS_MAX),
    default=2,
    show_default=True,
    help="Number of reading processes.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write one file, in order [stdout].")
@click.option("--per-shard", type=click.Path(path_type=Path), help="Write a file per shard here.")
@click.option("--call", metavar="MODULE:FUNCTION", help="Call f(shard, events) in each process.")
@click.option("--restart", is_flag=True, help="Start over and overwrite earlier output.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON at the end.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="NOVA_DATA",
    default=Path("./nova-data"),
    help="Data folder of a NOVA on this machine, running or not [./nova-data].",
)
@filter_options
def replay(
    data: Path,
    start: str | None,
    stop: str | None,
    timebase: Timebase | None,
    shards: int,
    out: Path | None,
    per_shard: Path | None,
    call: str | None,
    restart: bool,
    as_json: bool,
    **narrow: str | None,
) -> None:
    """Replay a range of the archive at full speed.

    Several processes read it, as JSON lines of stored envelopes.

    \b
    Output is in order on stdout or in --out. Or the range is cut into shards, each
    written to a file (--per-shard) or passed to a function (--call) by a process.
    With --out and --per-shard, the same command resumes after an interruption.

    \b
    Examples:
      nova replay --data ./archive --from 2026-01-01T00:00:00Z --out events.jsonl
      nova replay --data ./archive --lanes parsed --shards 4 --per-shard ./export
      nova replay --data ./archive --shards 4 --call mysink.load:load
    """
    if sum(sink is not None for sink in (out, per_shard, call)) > 1:
        raise click.UsageError("give one of --out, --per-shard and --call")
    if restart and out is None and per_shard is None:
        raise click.UsageError("--restart requires --out or --per-shard")
    chosen = timebase or default_timebase.read(data)
    wanted = ReplayRequest(data, start, stop, chosen, filters_from_options(**narrow))
    to_stdout = out is None and per_shard is None and call is None

    def deliver(report: ReportCallback) -> ReplaySummary:
        if out is not None:
            return sinks.to_file(wanted, out, shards, restart=restart, report=report)
        if per_shard is not None:
            return sinks.to_folder(wanted, per_shard, shards, restart=restart, report=report)
        if call is not None:
            return sinks.to_function(wanted, call, shards, report=report)
        return _to_stdout(wanted, shards, report)

    summary = _with_progress(deliver, can_resume=out is not None or per_shard is not None)
    _print_summary(summary, as_json, on_stderr=to_stdout)


def _with_progress(
    deliver: Callable[[ReportCallback], ReplaySummary], *, can_resume: bool
) -> ReplaySummary:
    try:
        with events_progress("replay") as report:
            return deliver(report)
    except KeyboardInterrupt:
        if can_resume:
            click.echo("interrupted; run the same command again to resume", err=True)
        raise


def _to_stdout(wanted: ReplayRequest, shards: int, report: ReportCallback) -> ReplaySummary:
    started = time.monotonic()
    summary = ReplaySummary(events=0, bytes=0, seconds=0.0, shards=shards)
    for part in sinks.merged_parts(wanted, shards, report):
        _write(part.lines)
        summary.events += part.events
        summary.bytes += len(part.lines)
    _write(b"")
    summary.seconds = round(time.monotonic() - started, 3)
    return summary


def _write(lines: bytes | bytearray) -> None:
    """Write to stdout, and so that an error is known; raises NovaError if that cannot be."""
    try:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is left in the buffer would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise NovaError(
            f"cannot write to stdout: {error.strerror}; what was written is not complete"
        ) from error


def _print_summary(summary: ReplaySummary, as_json: bool, *, on_stderr: bool) -> None:
    """Print the summary; on stderr if events go to stdout."""
    if as_json:
        print_json(summary, on_stderr=on_stderr)
        return
    size = summary.bytes / 1e6
    click.echo(f"{summary.events:,} events, {size:,.1f} MB in {summary.seconds:,.1f} s", err=True)
