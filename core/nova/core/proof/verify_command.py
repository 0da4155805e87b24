"""`nova verify`: checks a whole archive or one of its days, while NOVA runs or not."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import msgspec

from nova.console.printing import print_json
from nova.console.progress_bar import events_progress
from nova.core.proof.check_workers import CheckWorkers
from nova.core.proof.kept_roots import kept_roots
from nova.core.proof.steady_opening import steady_archive
from nova.core.proof.verification import InProcess, PieceChecker, Verification, VerifyReport
from nova.core.proof.wait_notice import WaitNotice
from nova.core.scratch import scratch_folder
from nova.core.store.archive import Archive
from nova.core.utc_day import span_of
from nova.sdk import lifecycle

PROCESSES_MAX = 64
PRINTED_MAX_FINDINGS = 20
FAULT_STATUS = 1
NOTE_STATUS = 3
"""Nothing was found, but a part could not be checked: 2 is the status of a wrong call."""


class VerifySummary(VerifyReport, kw_only=True, rename="camel"):
    """The output of `nova verify --json`."""

    is_whole: bool
    seconds: float


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="NOVA_DATA",
    default=Path("./nova-data"),
    help="Data folder of a NOVA on this machine, running or not [./nova-data].",
)
@click.option("--day", metavar="YYYY-MM-DD", help="Check the events of one UTC day only.")
@click.option(
    "--roots",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A copy of seals/roots.jsonl that was kept elsewhere.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, PROCESSES_MAX),
    default=lambda: min(os.cpu_count() or 1, PROCESSES_MAX),
    help="Number of checking processes [one for each processor].",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(data: Path, day: str | None, roots: Path | None, processes: int, as_json: bool) -> None:
    """Check that an archive holds exactly what was stored in it.

    Recomputes the eventId of every event from its content, compares every row of every index with
    the events, both ways, counts them again, and compares the events of each sealed day with its
    seal. Names the first event that is missing, added or changed. Exit status: 0 whole, 1 not
    whole, 3 whole apart from what the notes say could not be checked.

    \b
    Roots that were kept elsewhere also find changes by somebody who could write the archive.
    With --day, rows that belong to no event are not searched.

    \b
    Examples:
      nova verify --data /archive --roots /elsewhere/roots.jsonl
      nova verify --data /archive --day 2026-01-26
    """
    if day is not None:
        span_of(day)  # Refuses what is no day before anything is read.
    started = time.monotonic()
    lifecycle.prepare_for_batches()
    kept = kept_roots(data, roots)
    with (
        events_progress("verify") as report,
        scratch_folder("verify") as scratch,
        steady_archive(
            data,
            scratch,
            partial(_checker, data, processes),
            report_wait=WaitNotice().waiting,
        ) as (archive, checker),
    ):
        verification = Verification(archive, checker, report)
        found = verification.whole(kept) if day is None else verification.day(day, kept)
    _print(found, time.monotonic() - started, as_json)
    if found.findings or found.notes:
        sys.exit(FAULT_STATUS if found.findings else NOTE_STATUS)


@contextmanager
def _checker(data: Path, processes: int, archive: Archive, alone: bool) -> Iterator[PieceChecker]:
    if processes == 1 or alone:
        yield InProcess(archive)
        return
    with CheckWorkers(data, processes) as workers:
        yield workers


def _print(found: VerifyReport, seconds: float, as_json: bool) -> None:
    if as_json:
        members = msgspec.structs.asdict(found)
        print_json(VerifySummary(**members, is_whole=not found.findings, seconds=round(seconds, 3)))
        return
    for one in found.findings[:PRINTED_MAX_FINDINGS]:
        click.echo(one.line())
    if len(found.findings) > PRINTED_MAX_FINDINGS:
        click.echo(f"and {len(found.findings) - PRINTED_MAX_FINDINGS:,} more (--json lists them)")
    for note in found.notes:
        click.echo(f"note: {note}")
    sealed = f"sealed up to {found.last_sealed_day}" if found.last_sealed_day else "no day sealed"
    if found.given_back:
        sealed += f", {found.given_back:,} days of a scope and lane given back"
    outcome = "whole apart from the note" if found.notes else "whole"
    outcome = "NOT WHOLE" if found.findings else outcome
    click.echo(
        f"{outcome}: {found.events:,} events on {found.days:,} days, {sealed}, {seconds:,.1f} s"
    )
