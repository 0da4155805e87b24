"""`sample` equals brute force: from events, from the sampler's rows, and across their boundary."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.derived.sampler import Sampler
from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.sample_query import SAMPLE_LIMITS, SampleLimits, SampleQueries
from nova.core.store import sample_store as layout
from nova.core.store.archive import Archive
from nova.core.store.column_tree import BlockSizes
from nova.core.store.sample_store import SampleStore
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol import messages
from nova.sdk.protocol.timeline import FieldSample, Sample, SampleResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch
from tests.core.numbering import numeric_fields
from tests.core.telling import START_NS, ViewedEvent, telling, told
from tests.laws import law

MS = 1_000_000
FIELDS = ["n", "gps.lat", "on", "never"]


SAMPLING = SamplerLimits(
    BlockSizes(unit_events=2, block_units=4, fan_out=2, cells_max=5),
    chunk_max_events=7,
    cached_max_series=1,
)
READING = SampleLimits(direct_max_events=4, part_max_events=3, part_max_blocks=2)


class SampleWorld(NamedTuple):
    """An archive, its writer, a reader's view with its samples, and a sampler's folder."""

    data: Path
    archive: Archive
    committer: Committer
    view: ArchiveSnapshot
    samples: SampleQueries
    follower: ArchiveSnapshot

    def commit(self, events: list[tuple[int, JsonObject]]) -> int:
        """Commit events (ms, payload) of one series, among those of others; returns the mark."""
        return self.commit_at([(START_NS + ms * MS, payload) for ms, payload in events])

    def commit_at(self, events: list[tuple[int, JsonObject]]) -> int:
        """The same of events (ns, payload)."""
        count = self.committer.counters.events
        records = [
            telling(at_ns, {**payload, "seq": count + number}, unit=unit)
            for number, (at_ns, payload) in enumerate(events)
            for unit in ("u", "other")
        ]
        self.committer.add_batch("link", Batch(records))
        committed = self.committer.close_commit()
        self.view.advance(committed.watermark)
        return committed.watermark

    def sample(self, mark: int, writes: int, limits: SamplerLimits = SAMPLING) -> None:
        """Run a new sampler up to a watermark, or kill it after a number of writes."""
        store = SampleStore.open_primary(self.data)
        try:
            sampler = Sampler(self.follower, store, limits)
            for done, _ in enumerate(sampler.sample(mark), 1):
                if done == writes:
                    return
        finally:
            store.close()

    @contextmanager
    def reading(self, **limits: int) -> Iterator[SampleQueries]:
        """Another reader of the samples, with some limits of its own."""
        own = READING._replace(**limits)
        samples = SampleQueries(self.view, self.data, self.data / "another", own)
        try:
            yield samples
        finally:
            samples.close()


@contextmanager
def empty_world(
    data: Path, archive: Archive, limits: SampleLimits = SAMPLE_LIMITS
) -> Iterator[SampleWorld]:
    """A world without events, of an archive that is open in this folder."""
    view = ArchiveSnapshot(Archive.open_secondary(data, data / "reader"))
    follower = ArchiveSnapshot(Archive.open_secondary(data, data / "sampler"))
    samples = SampleQueries(view, data, data / "scratch", limits)
    yield SampleWorld(data, archive, Committer(archive, data), view, samples, follower)
    samples.close()
    view.archive.close()
    follower.archive.close()


@pytest.fixture
def world(tmp_path: Path, archive: Archive) -> Iterator[SampleWorld]:
    """An empty world in which a few events are many; as in the real one, what is too much to be
    read itself has begun to be sampled, also by a sampler that died after its first write.
    """
    with empty_world(tmp_path, archive, READING) as empty:
        yield empty


def asked(start: int, stop: int, buckets: int, fields: list[str] | None = None) -> Sample:
    """A span in ns of the numeric series."""
    return Sample(
        start_time=timestamps.text(start),
        stop_time=timestamps.text(stop),
        buckets=buckets,
        scope_id="sat",
        system_id="bus",
        container_id="eps",
        unique_id="u",
        lane="parsed",
        message_type="Numbers",
        fields=fields or FIELDS,
    )


def check(answer: SampleResponse, events: list[ViewedEvent]) -> None:
    """An answer is what its buckets hold."""
    begin, width = timestamps.parse(answer.start_time), answer.bucket_ns
    for field in answer.fields:
        values: list[list[float]] = [[] for _ in field.count]
        for one in events:
            place = (one.time(answer.timebase) - begin) // width
            value = numeric_fields(one.stored).values.get(field.field)
            if one.unit == "u" and 0 <= place < len(values) and value is not None:
                values[place].append(value)
        check_field(field, values)


def check_field(field: FieldSample, values: list[list[float]]) -> None:
    """The buckets of a field are those of these values."""
    assert field.count == [len(each) for each in values]
    assert field.min == [min(each, default=None) for each in values]
    assert field.max == [max(each, default=None) for each in values]
    for mean, each in zip(field.mean, values, strict=True):
        if mean is None:
            assert not each
        else:
            scale = max(map(abs, each))
            assert math.isclose(
                mean, math.fsum(each) / len(each), rel_tol=1e-9, abs_tol=1e-9 * scale
            )


PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(-1000, 1000) | st.floats(-1e6, 1e6),
        "gps": st.fixed_dictionaries({"lat": st.floats(-90, 90)}),
        "on": st.booleans(),
        "mode": st.just("safe"),
    },
)
OFFSETS = st.integers(0, 40) | st.sampled_from([500, 1_000, 60_000, 86_400_000])
COMMITS = st.lists(st.lists(st.tuples(OFFSETS, PAYLOADS), max_size=12), min_size=1, max_size=4)


@law(25)
@given(
    commits=COMMITS,
    writes=st.lists(st.integers(1, 3), min_size=4, max_size=4),
    timebase=st.sampled_from(TIMEBASES),
    span=st.tuples(OFFSETS, OFFSETS),
    buckets=st.sampled_from([1, 3, 50, 4096]),
)
async def test_samples_are_the_brute_force_answer(
    world: SampleWorld,
    commits: list[list[tuple[int, JsonObject]]],
    writes: list[int],
    timebase: Timebase,
    span: tuple[int, int],
    buckets: int,
) -> None:
    """Any span, late data, a sampler that dies in the middle and is behind by any part."""
    for events, until in zip(commits, writes, strict=False):
        world.sample(world.commit(events), until)
    start, stop = (START_NS + ms * MS for ms in sorted(span))
    if timebase == "canonical":
        held = told(world.archive)
        start = held[0].canonical_ns if held else 0
        stop = max(held[-1].canonical_ns, start + span[0]) if held else 1
    answer = await world.samples.respond(asked(start, stop, buckets), timebase)
    assert not answer.behind
    assert len(answer.fields[0].count) <= buckets + 1
    check(answer, told(world.archive))


@pytest.mark.parametrize("timebase", TIMEBASES)
async def test_rows_answer_where_there_are_many_events(
    world: SampleWorld, timebase: Timebase
) -> None:
    """Wide spans are answered from rows at every width, with the events not sampled yet."""
    late = [
        (n * 7 % 400 * 100, {"n": n, "gps": {"lat": n / 7}, "on": n % 3 == 0}) for n in range(400)
    ]
    mark = world.commit(late)
    world.sample(mark, 1_000)
    world.commit([(n * 31, {"n": -n}) for n in range(30)])
    events = told(world.archive)
    start = min(one.time(timebase) for one in events)
    stop = max(one.time(timebase) for one in events)
    for buckets in (1, 10, 100, 4096):
        answer = await world.samples.respond(asked(start, stop, buckets), timebase)
        assert sum(answer.fields[0].count) == 430
        check(answer, events)


async def test_what_is_not_sampled_yet_is_said(world: SampleWorld) -> None:
    """Too many events to read at once, and no rows, or rows that end long ago."""
    world.commit([(n, {"n": n}) for n in range(40)])
    wide = asked(START_NS, START_NS + 10**12, 10)
    with world.reading(tail_max_events=39) as samples:
        answer = await samples.respond(wide, "source")
    assert answer.behind and sum(answer.fields[0].count) == 0
    world.sample(world.view.watermark, 1_000)
    answer = await world.samples.respond(wide, "source")
    assert not answer.behind and sum(answer.fields[0].count) == 40
    world.commit([(n + 100, {"n": n}) for n in range(9)])
    with world.reading(tail_max_events=5) as samples:
        answer = await samples.respond(wide, "source")
    assert answer.behind and sum(answer.fields[0].count) == 40


async def test_a_series_that_is_not_there_has_no_samples(world: SampleWorld) -> None:
    """Not an error: it may come."""
    answer = await world.samples.respond(asked(START_NS, START_NS + 1, 3), "source")
    assert [field.field for field in answer.fields] == FIELDS
    assert not any(any(field.count) for field in answer.fields)


async def test_fields_beyond_those_that_are_sampled_are_refused(world: SampleWorld) -> None:
    """A payload with unbounded member names: some fields are kept, the rest are reported."""
    mark = world.commit([(n * 1_000, {"n": n, f"x{n}": n}) for n in range(30)])
    world.sample(mark, 1_000, SAMPLING._replace(fields_max=3))
    wide = asked(START_NS, START_NS + 10**12, 10, ["n", "n"])
    with world.reading(fields_max=3) as samples:
        answer = await samples.respond(wide, "source")
        assert [(field.field, sum(field.count)) for field in answer.fields] == [("n", 30)]
        wide.fields = ["n", "x29"]
        with pytest.raises(RequestError, match=r"notSampled.*'x29'"):
            await samples.respond(wide, "source")


async def test_samples_that_were_made_anew_are_followed_anew(world: SampleWorld) -> None:
    """Without the folder everything is sampled again."""
    mark = world.commit([(n, {"n": n}) for n in range(40)])
    wide = asked(START_NS, START_NS + 10**12, 10)
    world.sample(mark, 1_000)
    before = await world.samples.respond(wide, "source")
    for file in (world.data / layout.SAMPLES_FOLDER).iterdir():
        file.unlink()
    with world.reading(tail_max_events=39) as samples:
        assert (await samples.respond(wide, "source")).behind
        assert await world.samples.respond(wide, "source") == before
    world.sample(mark, 1_000)
    assert await world.samples.respond(wide, "source") == before


async def test_samples_reach_from_the_first_to_the_last_nanosecond(world: SampleWorld) -> None:
    """All times that there are, and the edges of buckets among them."""
    edge = 1 << 51
    times = [NS_MIN, NS_MIN + 1, NS_MIN + edge, -edge, -1, 0, 1, edge - 1, edge, NS_MAX - 1, NS_MAX]
    world.commit_at([(time, {"n": n}) for n, time in enumerate(times)])
    world.sample(world.view.watermark, 1_000)
    events = told(world.archive)
    for buckets in (1, 2, 4096):
        for start, stop in ((NS_MIN, NS_MAX), (NS_MIN, -1), (0, NS_MAX)):
            answer = await world.samples.respond(asked(start, stop, buckets), "source")
            assert not answer.behind
            check(answer, events)
    whole = await world.samples.respond(asked(NS_MIN, NS_MAX, 1), "source")
    assert sum(whole.fields[0].count) == len(events) // 2


async def test_an_archive_without_events_has_no_samples(world: SampleWorld) -> None:
    """Nothing is no error, also with a sampler at work."""
    world.sample(0, 1_000)
    for timebase in TIMEBASES:
        answer = await world.samples.respond(asked(NS_MIN, NS_MAX, 4096), timebase)
        assert not answer.behind and not any(any(field.count) for field in answer.fields)


async def test_means_that_no_number_can_hold_are_not_told(world: SampleWorld) -> None:
    """The sum is beyond a float; count, least and greatest value are what they are."""
    world.sample(world.commit([(n, {"n": 1.7e308}) for n in range(40)]), 1_000)
    answer = await world.samples.respond(asked(START_NS, START_NS + 10**12, 1), "source")
    sent = messages.decode_reply(messages.encode(answer))
    assert isinstance(sent, SampleResponse)
    (field,) = (field for field in sent.fields if field.field == "n")
    full = [n for n, count in enumerate(field.count) if count > 1]
    assert full and all(field.mean[n] is None and field.max[n] == 1.7e308 for n in full)


async def test_a_path_that_two_members_share_has_one_number(world: SampleWorld) -> None:
    """However it is answered: a name may have dots of its own."""
    mark = world.commit([(n, {"gps.lat": 1, "gps": {"lat": 2}}) for n in range(40)])
    world.sample(mark, 1_000)
    wide = asked(START_NS, START_NS + 10**12, 10, ["gps.lat"])
    narrow = asked(START_NS, START_NS, 1, ["gps.lat"])
    for request in (wide, narrow):
        field = (await world.samples.respond(request, "source")).fields[0]
        assert sum(field.count) >= 1 and {one for one in field.max if one is not None} == {2}


async def test_fields_that_no_event_has_are_said(world: SampleWorld) -> None:
    """Of a span without values, one does not know whether it has the wrong name or the wrong time;
    nor of a field that an event may have which is not read.
    """
    world.sample(world.commit([(n, {"n": n, "mode": "safe"}) for n in range(40)]), 1_000)
    world.commit([(50, {"late": 1})])
    empty = asked(START_NS - 10**9, START_NS - 1, 4, ["n", "mode", "late", "never"])
    whole = asked(START_NS, START_NS + 10**12, 4, ["n", "late", "never"])
    for request in (empty, whole):
        answer = await world.samples.respond(request, "source")
        assert answer.unknown_fields == ["never"] and not answer.unknown_series
    other = asked(START_NS, START_NS + 1, 3)
    other.unique_id = "nobody"
    answer = await world.samples.respond(other, "source")
    assert answer.unknown_series and answer.unknown_fields == []
    world.commit([(60 + n, {"n": n}) for n in range(40)])
    with world.reading(tail_max_events=5) as samples:
        assert (await samples.respond(empty, "source")).unknown_fields == []
