"""Seeded damage of an archive, at rest and under a running instance, and the answers of all kinds
of readers: right, refused, or silently wrong.
"""

from __future__ import annotations

import contextlib
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from nova.core.derived.checkpoint_limits import CheckpointLimits
from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.derived.sampler import Sampler
from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.query.sample_query import SampleLimits
from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.column_tree import BlockSizes
from nova.core.store.durability_marker import write_marker
from nova.core.store.live_files import LiveFiles
from nova.core.store.sample_store import SampleStore
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.errors import NovaError
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch, Record
from tests.core.answering import Answerer, DerivedLimits
from tests.core.telling import START_NS, telling
from tests.core.viewing import updating

MEMORY_BYTES = 8 * 1024 * 1024
EVENTS, MORE_EVENTS = 360, 60
COMMIT_EVENTS = 12
FLUSHED = (120, 228)
STALE = 240
PAGE_BYTES = 4096
RECEIVED_NS = timestamps.parse("2026-02-01T00:00:00Z")

LIMITS = DerivedLimits(
    SamplerLimits(BlockSizes(unit_events=10, block_units=2, fan_out=2)),
    CheckpointLimits(segment_events=4),
    SampleLimits(direct_max_events=4, tail_max_events=40),
)
"""A few events are many, so that derived data is made and read."""

Outcome = str
Table = Counter[tuple[str, Outcome]]
"""How often which kind of answer came out how."""


def records(first: int, count: int) -> list[Record]:
    """Events of four lanes, late ones among them, and some at the ends of all times."""
    return [_record(number) for number in range(first, first + count)]


def _record(number: int) -> Record:
    at_ns = START_NS + number * 1_000_000_007 - (3_600 * 10**9 if number % 9 == 4 else 0)
    if number % 60 == 20:
        at_ns = NS_MAX - number % 2
    if number % 60 == 40:
        at_ns = NS_MIN + number % 2
    unit = "ab"[number % 2]
    if number % 3 == 0:
        return updating(at_ns, {"n": number}, unit=unit)
    lane = ("parsed", "parsed", "raw", "metadata")[number % 4]
    return telling(at_ns, {"n": number}, unit=unit, lane=lane)


class DamageCorpus:
    """An archive as a kill leaves it, with derived data beside it, and what is right about it; and
    an older copy, for files that are put back.
    """

    def __init__(self, folder: Path) -> None:
        self.data, self.stale = folder / "data", folder / "stale"
        writer = DamageWriter(folder / "live")
        while writer.count < EVENTS:
            writer.commit(COMMIT_EVENTS)
            if writer.count in FLUSHED:
                writer.flush()
                writer.derive()
            if writer.count == STALE:
                writer.copy(self.stale)
        writer.copy(self.data)
        self.right = answers(self.data, folder / "right")
        writer.commit(MORE_EVENTS)
        self.right_after_more = answers(writer.data, folder / "more")
        writer.close()


class DamageWriter:
    """A writer whose clock depends only on the number of written events."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.archive = Archive.open_primary(data, MEMORY_BYTES)
        self.committer = Committer(
            self.archive, data, registry=DriverRegistry.load(("jsonl",)), clock=self._clock
        )
        self.count = 0

    def _clock(self) -> int:
        return RECEIVED_NS + self.count * 60 * 10**9

    def commit(self, count: int) -> None:
        """Commit events, durably and witnessed."""
        self.committer.add_batch(
            "link", Batch(records(self.count, count), {"s": self.count + count})
        )
        self.count += count
        self.committer.close_commit()
        self.archive.sync()
        write_marker(self.data, self.committer.marker())

    def flush(self) -> None:
        """Let everything lie in files."""
        for family in self.archive.families.values():
            family.flush(True)

    def derive(self) -> None:
        """Sample, and make checkpoints, up to here."""
        with ExitStack() as stack:
            view = Answerer(stack, self.data, self.data.parent / "derive").view
            samples = SampleStore.open_primary(self.data)
            stack.callback(samples.close)
            for _ in Sampler(view, samples, LIMITS.sampling).sample(view.watermark):
                pass
            checkpoints = CheckpointStore.open_primary(self.data)
            stack.callback(checkpoints.close)
            maker = CheckpointMaker(view, checkpoints, LIMITS.checkpoints)
            for _ in maker.make(view.watermark):
                pass

    def copy(self, target: Path) -> None:
        """Copy everything as a kill would leave it; merging may go on beside."""
        while True:
            with contextlib.suppress(shutil.Error):
                shutil.copytree(self.data, target)
                live = LiveFiles(target / TRUTH_FOLDER)
                live.refresh()
                names = {f"{number:06d}.sst" for number in live.sizes}
                if names <= {path.name for path in (target / TRUTH_FOLDER).iterdir()}:
                    return
            shutil.rmtree(target, ignore_errors=True)

    def close(self) -> None:
        """Let the archive go, damaged as it may be."""
        with contextlib.suppress(NovaError):
            self.archive.close()


@contextlib.contextmanager
def asked(data: Path, folder: Path) -> Iterator[Answerer]:
    """All kinds of readers of an archive; raises NovaError."""
    with ExitStack() as stack:
        yield _asked(stack, data, folder)


def _asked(stack: ExitStack, data: Path, folder: Path, mark: int | None = None) -> Answerer:
    return Answerer(stack, data, folder, mark, LIMITS)


def answers(data: Path, folder: Path) -> dict[str, str]:
    """What all kinds of readers answer; raises NovaError."""
    with ExitStack() as stack:
        return {kind: ask() for kind, ask in _asked(stack, data, folder).kinds().items()}


def judge(table: Table, asked: Answerer, right: dict[str, str]) -> list[str]:
    """Record the outcome of each kind of answer in `right`; returns those that are silently
    wrong.
    """
    silent = []
    kinds = asked.kinds()
    for kind, ask in ((kind, kinds[kind]) for kind in right):
        outcome = _outcome(ask, right[kind])
        table[kind, outcome] += 1
        if outcome == "silent":
            silent.append(kind)
    return silent


def _outcome(ask: Callable[[], str], right: str) -> Outcome:
    try:
        return "right" if ask() == right else "silent"
    except (NovaError, OSError):
        return "loud"
    except Exception as error:
        return f"fault {type(error).__name__}: {str(error)[:60]}"


def refused(table: Table, right: dict[str, str]) -> None:
    """Note that an opening was refused, so that nothing is answered."""
    for kind in right:
        table[kind, "refused"] += 1


# --- damages ---


def damage(dice: random.Random, data: Path, stale: Path) -> str:
    """Damage one or two files of an archive; returns a description."""
    path = dice.choice(_files(data))
    kinds = ("bit", "bit", "bytes", "zeros", "cut", "gone", "swapped", "stale", "garbage")
    kind = dice.choice(kinds)
    content = bytearray(path.read_bytes())
    at = dice.randrange(max(1, len(content)))
    if dice.random() < 0.3:
        at = max(0, len(content) - 1 - dice.randrange(64))  # footers, and ends of logs
    match kind:
        case "bit" if content:
            content[at] ^= 1 << dice.randrange(8)
        case "bytes":
            content[at : at + 16] = dice.randbytes(len(content[at : at + 16]))
        case "zeros":
            content[at : at + PAGE_BYTES] = bytes(len(content[at : at + PAGE_BYTES]))
        case "cut":
            del content[at:]
        case "garbage":
            content += dice.randbytes(dice.choice((3, 100, 40_000)))
        case "stale" if (stale / path.relative_to(data)).exists():
            content = bytearray((stale / path.relative_to(data)).read_bytes())
        case "swapped":
            other = dice.choice([one for one in _files(data) if one.suffix == path.suffix])
            kept = other.read_bytes()
            _replace(other, bytes(content))
            content = bytearray(kept)
        case "gone":
            path.unlink()
            return f"{path.relative_to(data)} gone"
    _replace(path, bytes(content))
    return f"{path.relative_to(data)} {kind} at {at}"


def _replace(path: Path, content: bytes) -> None:
    """In place, as a fault of the disk is."""
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def _files(data: Path) -> list[Path]:
    """What decides anything: not the logs for people, locks and options."""
    passed = ("LOG", "LOCK", "OPTIONS")
    folders = (data / TRUTH_FOLDER, data / TRUTH_FOLDER, data / "samples", data / "checkpoints")
    found = [path for folder in folders for path in sorted(folder.iterdir())]
    found += 3 * [data / "witness.json"]
    found += [path for path in found if path.suffix == ".log" or path.name.startswith("MANIFEST")]
    return [path for path in found if not path.name.startswith(passed)]


def at_rest(table: Table, corpus: DamageCorpus, folder: Path, seed: int) -> list[str]:
    """Damage a copy, open it and query it; returns the answers that are silently wrong."""
    dice = random.Random(seed)
    data = folder / "copy"
    shutil.copytree(corpus.data, data)
    done = damage(dice, data, corpus.stale)
    if dice.random() < 0.5:
        done += as_writer(table, data)
    with ExitStack() as stack:
        try:
            asked = _asked(stack, data, folder / "asked")
        except NovaError:
            refused(table, corpus.right)
            return []
        return [f"{done}: {kind}" for kind in judge(table, asked, corpus.right)]


def as_writer(table: Table, data: Path) -> str:
    """A writer that starts, and ends at once."""
    try:
        archive = Archive.open_primary(data, MEMORY_BYTES)
    except NovaError:
        table["writer", "refused"] += 1
        return ", writer refused"
    try:
        Committer(archive, data, registry=DriverRegistry.load(("jsonl",)))
        table["writer", "right"] += 1
        return ", writer opened"
    except NovaError:
        table["writer", "refused"] += 1
        return ", writer refused"
    finally:
        with contextlib.suppress(NovaError):  # Merging has met the damage.
            archive.close()


def running(table: Table, corpus: DamageCorpus, folder: Path, seed: int) -> list[str]:
    """Damage a copy under its writer and a reader, write on, and ask that reader and a new one."""
    dice = random.Random(seed)
    data = folder / "copy"
    shutil.copytree(corpus.data, data)
    with ExitStack() as stack:
        writer = DamageWriter(data)
        stack.callback(writer.close)
        writer.count = EVENTS
        before = _asked(stack, data, folder / "before")
        is_late = dice.random() < 0.5
        done = "" if is_late else damage(dice, data, corpus.stale)
        try:
            writer.commit(MORE_EVENTS)
            if dice.random() < 0.5:
                writer.flush()
        except Exception:
            table["writer", "loud"] += 1
            return []
        table["writer", "right"] += 1
        if is_late:
            done = damage(dice, data, corpus.stale)
        before.view.advance(writer.committer.last_ns)
        right = corpus.right_after_more
        wrong = [f"{done}, running: {kind}" for kind in judge(table, before, right)]
        try:
            fresh = _asked(stack, data, folder / "fresh", writer.committer.last_ns)
        except NovaError:
            refused(table, right)
            return wrong
        return wrong + [f"{done}, restarted: {kind}" for kind in judge(table, fresh, right)]


def page(table: Table) -> str:
    """The table for people."""
    kinds = sorted({kind for kind, _ in table})
    outcomes = ["right", "loud", "refused", "silent"]
    others = sorted({outcome for _, outcome in table} - set(outcomes))
    lines = [f"{'':20}" + "".join(f"{outcome:>10}" for outcome in outcomes) + "     fault"]
    for kind in kinds:
        faults = sum(table[kind, outcome] for outcome in others)
        counts = "".join(f"{table[kind, outcome]:>10}" for outcome in outcomes)
        lines.append(f"{kind:20}{counts}{faults:>10}")
    found = {outcome: sum(table[kind, outcome] for kind in kinds) for outcome in others}
    return "\n".join(lines + [f"{outcome}: {count}" for outcome, count in found.items()])
