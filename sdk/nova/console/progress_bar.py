"""Progress of commands, on stderr if it is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

Report = Callable[[int, int], None]
"""Called with the bytes read so far and the events published so far."""


class _RateColumn(ProgressColumn):
    """Events per second since the start."""

    def render(self, task: Task) -> Text:
        events, elapsed_s = int(task.fields["events"]), task.elapsed or 0.0
        per_second = round(events / elapsed_s) if elapsed_s > 0 else 0
        return Text(f"{events:,} events, {per_second:,}/s", style="cyan")


def _progress_bar(done: ProgressColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        done,
        _RateColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextmanager
def progress(title: str, total_bytes: int) -> Iterator[Report]:
    """A progress bar over the bytes of a file; shows nothing if stderr is not a terminal."""
    with _progress_bar(DownloadColumn()) as bar:
        task = bar.add_task(title, total=total_bytes, events=0)

        def report(done_bytes: int, events: int) -> None:
            bar.update(task, completed=done_bytes, events=events)

        yield report


@contextmanager
def events_progress(title: str) -> Iterator[Callable[[int, int, int], None]]:
    """A progress bar over events. Call it with the number of events passed, the estimated total,
    and the number delivered. It shows nothing if stderr is not a terminal.
    """
    with _progress_bar(TaskProgressColumn()) as bar:
        task = bar.add_task(title, total=None, events=0)

        def report(passed: int, total: int, events: int) -> None:
            bar.update(task, completed=passed, total=total, events=events)

        yield report


@contextmanager
def stage_progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar over the stages of a work. Call it with the stage, how much of it is done, and
    how much it is in all. It shows nothing if stderr is not a terminal.
    """
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(title, total=None)
        current = ""

        def report(stage: str, done: int, total: int) -> None:
            nonlocal current
            if stage != current:
                bar.reset(task, description=f"{title}: {stage}")
                current = stage
            bar.update(task, completed=done, total=total)

        yield report
