"""`python -m bench.scale`: one archive grown to fifty million events, measured at steps on the way.

It can be stopped at any time and continues: finished steps are in `steps.jsonl` beside
the archive, and the archive's own count says which event is next.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import batch_tape, postgres_peer, probe, steps
from bench.figures import US
from bench.memory import peak_mib
from bench.own import BATCH_EVENTS, WriterSide
from bench.steps import STEPS, ScaleStep
from bench.table import machine
from bench.work import HUNDRED, Work
from nova.sdk import lifecycle
from nova.sdk.transport.base import Record

MEASURED_EVENTS = 1_000_000
SEEKS = 1_000
LOOK_UP_EVENTS, LOOK_UP_ROUNDS = BATCH_EVENTS, 5
TAPE_NAME, STEPS_NAME = "tape", "steps.jsonl"
RESULTS = Path(__file__).parent / "results"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "scale.png"


class Growth:
    """A growing archive, and its progress bar."""

    def __init__(self, store: WriterSide, data: Path, progress: Progress, last: int) -> None:
        self._store = store
        self._data = data
        self._progress = progress
        self._bar = progress.add_task("events", total=last, completed=store.events)

    def to(self, size: int) -> float:
        """Grow to a size; returns records per second of the last million, or of the last half.

        That part is made before, and follows on the rest without a pause, so that the store's
        background work gets no rest just before it is measured. A run that was stopped within it
        measures as many more events.
        """
        held = self._store.events
        measured = min(MEASURED_EVENTS, size // 2)
        begin = max(size - measured, held) // HUNDRED * HUNDRED
        path = self._data / TAPE_NAME
        batch_tape.write(path, Work(begin + measured).batches(BATCH_EVENTS, begin))
        before = Work(begin).batches(BATCH_EVENTS, held)
        unmeasured = _Counted(before)
        rate_hz = self._store.ingest(
            self._shown(chain(unmeasured, batch_tape.read(path))),
            lambda: unmeasured.batches,
        )
        path.unlink()
        return rate_hz

    def _shown(self, batches: Iterable[Sequence[Record]]) -> Iterator[Sequence[Record]]:
        for part in batches:
            yield part
            self._progress.update(self._bar, completed=self._store.events)

    def measure(self, size: int, ingest_hz: float, seeks: int) -> ScaleStep:
        """Measure everything else at this size."""
        events = self._store.events
        new_us, known_us = self._look_up_us(events)
        found = probe.in_process_of_its_own(self._data, seeks, replay=False)
        self._store.flush()
        families = self._store.bytes_per_family()
        return ScaleStep(
            size=size,
            events=events,
            ingest_hz=ingest_hz,
            look_up_new_us=new_us,
            look_up_known_us=known_us,
            seek_p50_ms=found.seek_p50_ms,
            seek_p99_ms=found.seek_p99_ms,
            entity_p50_ms=found.entity_p50_ms,
            entity_events=found.entity_events,
            latest_p50_ms=found.latest_p50_ms,
            newest_p99_ms=found.newest_p99_ms,
            bytes_per_event=sum(families.values()) / events,
            family_bytes_per_event={name: each / events for name, each in families.items()},
            writer_mib=peak_mib(),
            reader_mib=found.peak_mib,
        )

    def _look_up_us(self, events: int) -> tuple[float, float]:
        """µs per event of looking up the events that come next, and copies of any of the
        archive's.
        """
        dice = random.Random(events)
        new_s = known_s = 0.0
        for start in range(events, events + LOOK_UP_ROUNDS * LOOK_UP_EVENTS, LOOK_UP_EVENTS):
            new_s += self._look_up_s(range(start, start + LOOK_UP_EVENTS), is_known=False)
            numbers = [dice.randrange(events) for _ in range(LOOK_UP_EVENTS)]
            known_s += self._look_up_s(numbers, is_known=True)
        looked_up = LOOK_UP_ROUNDS * LOOK_UP_EVENTS
        return new_s * US / looked_up, known_s * US / looked_up

    def _look_up_s(self, numbers: Sequence[int], *, is_known: bool) -> float:
        held, seconds = self._store.look_up(list(map(Work(0).maker().record, numbers)))
        if held != (len(numbers) if is_known else 0):
            raise RuntimeError(f"the archive holds {held} of {len(numbers)} events, {is_known=}")
        return seconds


class _Counted:
    """Batches, with a count."""

    def __init__(self, batches: Iterator[list[Record]]) -> None:
        self._rest = batches
        self.batches = 0

    def __iter__(self) -> Iterator[list[Record]]:
        for part in self._rest:
            self.batches += 1
            yield part


def grow(data: Path, events: int, seeks: int) -> list[ScaleStep]:
    """Measure at every size that is not measured yet; returns all steps."""
    path = data / STEPS_NAME
    done = steps.load(path)
    sizes = [size for size in steps.sizes(events) if size > max((s.size for s in done), default=0)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        WriterSide(data) as store,
        Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress,
    ):
        growth = Growth(store, data, progress, events)
        for size in sizes:
            step = growth.measure(size, growth.to(size), seeks)
            progress.print(f"{step.events:,} events: {step.ingest_hz:,.0f} events/s")
            steps.append(path, step)
            done.append(step)
    return done


@click.command()
@click.option("--events", type=click.IntRange(min=10_000), default=STEPS[-1], show_default=True)
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Folder of the archive."
)
@click.option("--seeks", type=click.IntRange(min=10), default=SEEKS, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The table [bench/results/<date>-scale.md]."
)
@click.option("--picture", type=click.Path(path_type=Path), default=PICTURE, help="The plots.")
def scale(events: int, data: Path, seeks: int, out: Path | None, picture: Path) -> None:
    """Grow an archive step by step and measure at each; a rerun continues at the last step."""
    lifecycle.prepare_for_batches()
    data.mkdir(parents=True, exist_ok=True)
    done = grow(data, events, seeks)
    table = f"{machine(postgres_peer.version())}\n\n{steps.markdown(done)}"
    click.echo(table)
    (out or RESULTS / f"{date.today()}-scale.md").write_text(table + "\n")
    from bench import plot  # Its library is imported for half a second, also by tests.

    plot.plot(done, picture)


if __name__ == "__main__":
    scale()
