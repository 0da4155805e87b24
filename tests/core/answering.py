"""The answers of every kind of reader about an archive as text, for comparison between archives,
or the reason of a refusal.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from nova.core.batch.range_reader import RangeReader
from nova.core.batch.replay_watermark import durable_watermark
from nova.core.derived.checkpoint_limits import CHECKPOINT_LIMITS, CheckpointLimits
from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.derived.sampler import Sampler
from nova.core.derived.sampler_limits import SAMPLER_LIMITS, SamplerLimits
from nova.core.effect.moment import moment_at
from nova.core.effect.published import PublishedMetadata
from nova.core.files.daily_files import DailyFiles
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query import neighbour as stepping
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.discover import Discovery
from nova.core.query.event_filter import EventFilter
from nova.core.query.latest import latest
from nova.core.query.page import range_cursor_of, read_page
from nova.core.query.playback import Playback, playback_bounds
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.sample_query import SAMPLE_LIMITS, SampleLimits, SampleQueries
from nova.core.query.summary import summarize
from nova.core.query.ui_state import UiStates
from nova.core.store.archive import Archive
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.sample_store import SampleStore
from nova.sdk import timestamps
from nova.sdk.batch.range_messages import DriverOutput, RangeRequest, SplitRequest
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.errors import NovaError
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.protocol.timeline import Neighbour, Sample, Summary
from nova.sdk.protocol.views import GetUiState
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.filing import export_share

FIRST, LAST = timestamps.text(NS_MIN), timestamps.text(NS_MAX)
PAGE_EVENTS = 150


class DerivedLimits(NamedTuple):
    """With what limits derived data is made and read."""

    sampling: SamplerLimits = SAMPLER_LIMITS
    checkpoints: CheckpointLimits = CHECKPOINT_LIMITS
    reading: SampleLimits = SAMPLE_LIMITS


DERIVED_LIMITS = DerivedLimits()


class Answerer:
    """One opened archive that all kinds of readers are asked about; `folder` is for what they
    write. Derived data is read where it lies in `data`, and made anew in `folder`.
    """

    def __init__(
        self,
        stack: ExitStack,
        data: Path,
        folder: Path,
        mark: int | None = None,
        limits: DerivedLimits = DERIVED_LIMITS,
    ) -> None:
        self._data, self._folder, self._limits = data, folder, limits
        folder.mkdir(parents=True, exist_ok=True)
        self.archive = Archive.open_secondary(data, folder / "scratch")
        stack.callback(self.archive.close)
        self.view = ArchiveSnapshot(self.archive)
        self.view.advance(durable_watermark(data, self.archive) if mark is None else mark)
        self.samples = SampleQueries(self.view, data, folder / "scratch-samples", limits.reading)
        stack.callback(self.samples.close)
        self.states = UiStates(self.view, data, folder / "scratch-states")
        stack.callback(self.states.close)
        self.everything = EventFilter(Filters(), self.view.series)

    def kinds(self) -> dict[str, Callable[[], str]]:
        """What there is to ask."""
        asks = (
            self.query,
            self.stream,
            self.latest,
            self.state,
            self.discover,
            self.summary,
            self.sample,
            self.ends,
            self.replay,
            self.export,
        )
        kinds: dict[str, Callable[[], str]] = {"files": self.files, "samplers": self.samplers}
        for timebase in TIMEBASES:
            kinds |= {f"{ask.__name__} {timebase}": partial(ask, timebase) for ask in asks}
        return kinds

    def query(self, timebase: Timebase) -> str:
        """All pages, forwards and backwards."""
        both: list[list[bytes]] = []
        for reverse in (False, True):
            found: list[bytes] = []
            after: str | None = None
            while True:
                request = Query(reverse=reverse, limit=PAGE_EVENTS, after_key=after)
                page = asyncio.run(
                    read_page(range_cursor_of(self.view, request, timebase), PAGE_EVENTS)
                )
                found += page.events
                after = page.next_key
                if after is None:
                    break
            both.append(found[::-1] if reverse else found)
        assert both[0] == both[1]
        return _told(both[0])

    def stream(self, timebase: Timebase) -> str:
        """A playback of everything, as fast as it goes."""
        found: list[bytes] = []

        async def send(_: int, events: list[Hit] | tuple[Hit, ...]) -> None:
            found.extend(stored for _, stored in events)

        reading = RangeCursor(self.view, self.everything, Span(timebase))
        begin, end = asyncio.run(playback_bounds(self.view, reading))
        playback = Playback(reading, begin, end, chunk_max_events=100, interval_ms=10)
        asyncio.run(playback.run(None, send))  # type: ignore[arg-type]
        return _told(found)

    def latest(self, timebase: Timebase) -> str:
        """The last event of each series."""
        self.view.refresh()
        page = asyncio.run(latest(self.view, self.everything, timebase, NS_MAX))
        assert page.next_key is None
        return _told([stored for _, stored in page.events])

    def state(self, timebase: Timebase) -> str:
        """What each view shows."""
        answer = asyncio.run(self.states.respond(GetUiState(updates=False), timebase, NS_MAX))
        for info in answer.states:
            info.checkpoint = None  # Where a fold begins decides nothing.
        return msgspec.json.encode(answer.states).decode()

    def discover(self, timebase: Timebase) -> str:
        """All entities with their series, descriptors and manifests."""
        published = PublishedMetadata(self.view, "sat")
        end = moment_at(timebase, NS_MAX)
        page = asyncio.run(Discovery(self.view, published).page(self.everything, end))
        manifests = published.manifests(end)
        return _told([*page.entities, msgspec.json.encode(manifests)])

    def summary(self, timebase: Timebase) -> str:
        """Counts over all times that there are."""
        request = Summary(start_time=FIRST, stop_time=LAST, buckets=16)
        return str(asyncio.run(summarize(self.view, request, timebase)).lanes)

    def sample(self, timebase: Timebase) -> str:
        """A plot of a field."""
        answers = []
        kinds: tuple[tuple[Literal["ui", "parsed"], str, str], ...] = (
            ("ui", "UiUpdate", "v"),
            ("parsed", "Numbers", ""),
        )
        for lane, message_type, view_id in kinds:
            request = Sample(
                start_time=FIRST,
                stop_time=LAST,
                buckets=8,
                lane=lane,
                message_type=message_type,
                view_id=view_id,
                fields=["n"],
                scope_id="sat",
                system_id="bus",
                container_id="eps",
                unique_id="a",
            )
            answers.append(asyncio.run(self.samples.respond(request, timebase)))
        if any(answer.behind for answer in answers):
            raise NovaError("the newest events are not sampled yet")
        return msgspec.json.encode(answers).decode()

    def ends(self, timebase: Timebase) -> str:
        """The extent, and the events next to its ends."""
        extent = asyncio.run(stepping.extent(self.view, timebase))
        extent.time = ""  # it is now, which is another at each question
        steps = [
            Neighbour(time=LAST, direction="previous"),
            Neighbour(time=FIRST, direction="next"),
        ]
        found = [asyncio.run(stepping.neighbour(self.view, step, timebase)) for step in steps]
        return msgspec.json.encode([extent, *found]).decode()

    def replay(self, timebase: Timebase) -> str:
        """A replay as its shards read it, in several cuts."""
        told = {_told(list(self._lines(timebase, pieces))) for pieces in (1, 3)}
        (one,) = told
        return one

    def _lines(self, timebase: Timebase, pieces: int) -> Iterator[bytes]:
        replay = RangeReader(self._data, self.archive, everything(timebase, None))
        for piece in replay.split(SplitRequest(pieces=pieces)):
            for block in replay.read(piece.start_ns, piece.stop_ns, None):
                yield from block.lines().splitlines()

    def export(self, timebase: Timebase) -> str:
        """What an export proves of itself, and its files."""
        target = self._folder / f"export-{timebase}"
        output = DriverOutput(folder=str(target), preference=["jsonl"], max_bytes=2**40)
        request = everything(timebase, self.view.watermark)
        done = export_share(self._data, self.archive, request, output)
        return done.result.decode() + _tree(target)

    def files(self) -> str:
        """The daily files, written again."""
        root = self._folder / "files"
        files = DailyFiles(self.view, DriverRegistry.load(("jsonl",)), root)
        try:
            for _ in files.follow(self.view.watermark):
                pass
        finally:
            files.close()
        return _tree(root)

    def samplers(self) -> str:
        """Samples and checkpoints, rebuilt."""
        samples = SampleStore.open_primary(self._folder)
        try:
            sampler = Sampler(self.view, samples, self._limits.sampling)
            for _ in sampler.sample(self.view.watermark):
                pass
            rows = samples.all_rows()
        finally:
            samples.close()
        checkpoints = CheckpointStore.open_primary(self._folder)
        try:
            maker = CheckpointMaker(self.view, checkpoints, self._limits.checkpoints)
            for _ in maker.make(self.view.watermark):
                pass
            rows += checkpoints.all_rows()
        finally:
            checkpoints.close()
        return _told([key + value for key, value in rows])


def everything(timebase: Timebase, mark: int | None) -> RangeRequest:
    """All events up to a mark."""
    return RangeRequest(
        start_ns=NS_MIN, stop_ns=NS_MAX, timebase=timebase, filters=Filters(), watermark=mark
    )


def _told(parts: list[bytes]) -> str:
    return f"{len(parts)} {hashlib.sha256(b''.join(parts)).hexdigest()}"


def _tree(root: Path) -> str:
    files = sorted(
        path for path in root.rglob("*") if path.is_file() and path.name not in ("state.json",)
    )
    return _told([str(path.relative_to(root)).encode() + path.read_bytes() for path in files])
