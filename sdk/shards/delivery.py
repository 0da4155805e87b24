"""Sinks of a batch replay: one merged sequence, one file, a file per shard, or a function per
shard.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sdk.errors import NovaError
from sdk.shards.messages import Cut, Job, Piece, Planned, Progress, Sink
from sdk.shards.ordered import Part, in_order
from sdk.shards.output import Counted, Output, Plan, read_state, state_of, write_state
from sdk.shards.parallel import Watch, side_by_side
from sdk.shards.process import Shard, running
from sdk.shards.wanted import Report, Summary, Wanted

SHARDS_MAX = 64
PLAN_FILE = "replay.state"
SHARD_FILES = "shard-*.jsonl*"

Asked = dict[str, str | None]


def in_parts(wanted: Wanted, shards: int, report: Report | None = None) -> Iterator[Part]:
    """A range in order, as blocks of lines."""
    with running(wanted.data, _checked(shards)) as processes:
        _, pieces = _planned(processes, wanted.job(), Cut(pieces_min=shards))
        yield from _told(in_order(processes, pieces, None), pieces, 0, report)


def to_file(
    wanted: Wanted, path: Path, shards: int, *, restart: bool = False, report: Report | None = None
) -> Summary:
    """Write a range in order to a file; resumes an interrupted replay."""
    started = time.monotonic()
    asked = wanted.asked()
    known = _left(path, asked, restart)
    with running(wanted.data, _checked(shards)) as processes:
        job = wanted.job(known.plan.mark if known.plan else None, known.after)
        mark, pieces = _planned(processes, job, Cut(pieces_min=shards))
        with Output(path, Plan(asked=asked, mark=mark)) as output:
            counted = output.counted
            found = in_order(processes, pieces, counted.after)
            for part in _told(found, pieces, counted.events, report):
                output.write(part.lines, part.events, part.after)
            output.finish()
    state_of(path).unlink()
    return _summary(counted.events, counted.bytes, started, shards)


def _left(path: Path, asked: Asked, restart: bool) -> Counted:
    """The state of an interrupted replay to a file, a new one if there is none; raises NovaError if
    its request differs.
    """
    state = state_of(path)
    if restart:
        state.unlink(missing_ok=True)
    elif (known := read_state(state, Counted)) is not None:
        _compare(known.plan, asked, state)
        return known
    elif path.exists():
        raise _in_the_way(path)
    return Counted()


def to_folder(
    wanted: Wanted,
    folder: Path,
    shards: int,
    *,
    restart: bool = False,
    report: Report | None = None,
) -> Summary:
    """Write each shard of a range to its file `shard-000.jsonl`…, each by its own process; resumes
    an interrupted replay.
    """
    started = time.monotonic()
    asked = wanted.asked(_checked(shards))
    plan = _left_in(folder, asked, restart)
    with running(wanted.data, shards) as processes:
        mark, ranges = _planned(
            processes, wanted.job(plan.mark if plan else None), Cut(pieces=shards)
        )
        if plan is None:
            plan = Plan(asked=asked, mark=mark, ranges=ranges)
            write_state(folder / PLAN_FILE, plan)
        paths = [folder / f"shard-{number:03}.jsonl" for number in range(shards)]
        sinks = [
            Sink(shard=number, start_ns=piece.start_ns, stop_ns=piece.stop_ns, path=str(path))
            for number, (piece, path) in enumerate(zip(plan.ranges, paths, strict=True))
        ]
        done = side_by_side(processes, sinks, _watch(plan.ranges, report))
    for path in paths:
        state_of(path).unlink()
    (folder / PLAN_FILE).unlink()
    return _summed(done, started, shards)


def _left_in(folder: Path, asked: Asked, restart: bool) -> Plan | None:
    """The plan of an interrupted replay to a folder, None if there is none; raises NovaError if its
    request differs.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NovaError(f"cannot write to {folder}: {error.strerror}") from error
    plan = None if restart else read_state(folder / PLAN_FILE, Plan)
    if plan is not None:
        _compare(plan, asked, folder / PLAN_FILE)
        return plan
    for path in sorted(folder.glob(SHARD_FILES)):
        if not restart:
            raise _in_the_way(path)
        path.unlink()
    (folder / PLAN_FILE).unlink(missing_ok=True)
    return None


def to_function(wanted: Wanted, name: str, shards: int, *, report: Report | None = None) -> Summary:
    """Call a function `package.module:function` in each shard's process with the shard's number and
    its events. The function itself must handle a restart after an interruption.
    """
    started = time.monotonic()
    with running(wanted.data, _checked(shards)) as processes:
        _, ranges = _planned(processes, wanted.job(), Cut(pieces=shards))
        sinks = [
            Sink(shard=number, start_ns=piece.start_ns, stop_ns=piece.stop_ns, call=name)
            for number, piece in enumerate(ranges)
        ]
        done = side_by_side(processes, sinks, _watch(ranges, report))
    return _summed(done, started, shards)


def _planned(processes: Sequence[Shard], job: Job, cut: Cut) -> tuple[int, list[Piece]]:
    """Send all shards the job with one watermark; returns it and the first shard's pieces."""
    first = processes[0]
    first.send(job)
    first.send(cut)
    planned, _ = first.reply()
    if not isinstance(planned, Planned):
        raise NovaError(f"shard {first.number} sent {type(planned).__name__} instead of Planned")
    job.mark = planned.mark
    for process in processes[1:]:
        process.send(job)
    return planned.mark, planned.pieces


def _told(
    parts: Iterable[Part], pieces: Sequence[Piece], before: int, report: Report | None
) -> Iterator[Part]:
    """Yield the parts, and report each after the caller has processed it."""
    total = before + sum(piece.events for piece in pieces)
    events = before
    for part in parts:
        yield part
        events += part.events
        if report is not None:
            report(before + part.passed, total, events)


def _watch(ranges: Sequence[Piece], report: Report | None) -> Watch:
    total = sum(piece.events for piece in ranges)

    def watch(shards: Sequence[Progress]) -> None:
        if report is not None:
            passed = sum(progress.passed for progress in shards)
            report(passed, total, sum(progress.events for progress in shards))

    return watch


def _compare(plan: Plan | None, asked: Asked, state: Path) -> None:
    """Raise NovaError unless an interrupted replay has the same request."""
    known = plan.asked if plan else {}
    differing = [
        f"{name} was {known.get(name)}, is {value}"
        for name, value in asked.items()
        if known.get(name) != value
    ]
    if differing:
        raise NovaError(
            f"{state} belongs to another replay: {'; '.join(differing)}. "
            "Repeat its request to resume it, or give --restart"
        )


def _in_the_way(path: Path) -> NovaError:
    return NovaError(
        f"{path} exists, without a state to resume from: "
        "remove it, or give --restart to overwrite it"
    )


def _checked(shards: int) -> int:
    if not 1 <= shards <= SHARDS_MAX:
        raise NovaError(f"{shards} shards requested, 1 to {SHARDS_MAX} are allowed")
    return shards


def _summed(done: Sequence[Progress], started: float, shards: int) -> Summary:
    events, size = sum(each.events for each in done), sum(each.bytes for each in done)
    return _summary(events, size, started, shards)


def _summary(events: int, size: int, started: float, shards: int) -> Summary:
    seconds = round(time.monotonic() - started, 3)
    return Summary(events=events, bytes=size, seconds=seconds, shards=shards)
