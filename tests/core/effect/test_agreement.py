"""Discovery, commands, actions, drivers and files agree with the rule about any moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.effect.history import CLOCK_AHEAD_MAX_NS
from nova.core.effect.moment import Moment, moment_at
from nova.core.effect.published import PublishedMetadata
from nova.core.errors import RequestError
from nova.core.files.bound_drivers import BoundDrivers
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.writer.actions import ArgumentChecker
from nova.core.writer.capabilities import EntityCapabilities
from nova.core.writer.command_targets import TargetFinder
from nova.core.writer.committer import Committer
from nova.core.writer.in_effect import InEffect
from nova.core.writer.manifest_events import published_event
from nova.sdk import timestamps
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.events.event import check
from nova.sdk.events.observation import Observer, record_of
from nova.sdk.manifests.manifest import Action, ArgumentSpec, CardManifest, KeySpec
from nova.sdk.transport.base import Batch, Record
from tests.core.commanding import HEATER, SCOPE, command
from tests.core.conftest import START_NS
from tests.core.discovered import discovered, discovery_of
from tests.core.files.test_bound_drivers import binding
from tests.laws import law

HOUR_NS = 3_600 * 10**9
REGISTRY = DriverRegistry.load(["jsonl"])
STREAM = DriverStream("sat", "s", "c", "u", "parsed", "Count", "1")
UNKNOWN = "unknown"


class Said(NamedTuple):
    """An item published at one hour, with a possibly wrong clock, effective from another."""

    kind: str
    received: int
    source: int
    effective: int


class Known(NamedTuple):
    """The same with what distinguishes two."""

    canonical_ns: int
    source_ns: int
    effective_ns: int
    event_id: bytes
    name: str


SAID = st.builds(
    Said,
    st.sampled_from(("descriptor", "manifest", "binding")),
    st.integers(1, 4),
    st.integers(-30, 30),
    st.integers(-30, 30),
)


def hours(count: int) -> int:
    """A time in ns."""
    return START_NS + count * HOUR_NS


def descriptor_of(number: int, one: Said) -> Record:
    """A descriptor with a capability of its own."""
    effective = timestamps.text(hours(one.effective))
    observation = Observer(SCOPE).observe(HEATER, hours(one.source))
    capabilities = [f"command:c{number}"]
    return record_of(observation.descriptor(capabilities, "1", effective))


def manifest_of(number: int, one: Said) -> CardManifest:
    """A version of the heater's card whose action takes its own number alone."""
    only = ArgumentSpec(type="integer", minimum=number, maximum=number, required=True)
    return CardManifest(
        manifest_id="heater",
        manifest_version=f"1.{number}.0",
        view_id="heater",
        entity_type="heater",
        title="Heater",
        allowed_keys={"on": KeySpec(type="boolean")},
        actions=[Action(command_type="set", title="Set", arguments={"n": only})],
        effective_time=timestamps.text(hours(one.effective)),
    )


def record_for(number: int, one: Said) -> Record:
    """The record of an item."""
    if one.kind == "descriptor":
        return descriptor_of(number, one)
    if one.kind == "binding":
        return binding(hours(one.source), hours(one.effective), f"d{number}@1.0.0")
    return Record(None, published_event(manifest_of(number, one), SCOPE).body)


class Everybody:
    """An archive, and every component that determines what is in effect."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._now_ns = START_NS
        archive = Archive.open_primary(folder)
        stack.callback(archive.close)
        self.committer = Committer(archive, folder, clock=lambda: self._now_ns)
        secondary = Archive.open_secondary(folder, folder / "scratch")
        stack.callback(secondary.close)
        self.view = ArchiveSnapshot(secondary)
        self.known: dict[str, list[Known]] = {"descriptor": [], "manifest": [], "binding": []}

    def tell(self, said: Sequence[Said]) -> None:
        """Store items in the order of receipt."""
        shown = Observer(SCOPE).observe(HEATER, hours(-40)).ui("heater", "heater", "1.0.0", {})
        self.committer.add_batch("link", Batch([record_of(shown)]))
        for number, one in enumerate(sorted(said, key=lambda one: one.received)):
            self._now_ns = hours(one.received)
            record = record_for(number, one)
            event = check(record.value)
            receipt, _ = self.committer.add_batch("link", Batch([record]))
            if receipt.new:
                effective_ns = hours(one.effective)
                last_ns = self.committer.last_ns
                times = (last_ns, event.source_ns, effective_ns, event.event_id)
                self.known[one.kind].append(Known(*times, str(number)))
        self.view.advance(self.committer.close_commit().watermark)
        self.view.refresh()

    def in_effect(self, kind: str, moment: Moment) -> list[Known]:
        """What has taken effect by the words of the rule, what counts most last."""
        ranked = []
        for one in self.known[kind]:
            since = one.effective_ns, one.source_ns, one.event_id
            if moment.timebase == "canonical":
                later = max(0, one.effective_ns - one.source_ns)
                since = one.canonical_ns + later, one.canonical_ns, one.event_id
            if since[0] <= moment.time_ns:
                ranked.append((since, one))
        return [one for _, one in sorted(ranked)]


def capability(everybody: Everybody, moment: Moment) -> str:
    """The one descriptor that counts, by hand."""
    found = everybody.in_effect("descriptor", moment)
    if not found and moment.timebase == "source":
        canonical = moment_at("canonical", moment.known_ns)
        found = [
            one
            for one in everybody.in_effect("descriptor", canonical)
            if one.source_ns - one.canonical_ns <= CLOCK_AHEAD_MAX_NS
        ]
    return found[-1].name if found else UNKNOWN


class Asked(InEffect):
    """As the writer asks it, of a moment that is not now."""

    def __init__(self, committer: Committer, moment: Moment) -> None:
        super().__init__(committer, moment.timebase, "ground")
        self._moment = moment

    def now(self) -> Moment:
        """That moment."""
        return self._moment


def commanded(everybody: Everybody, asked: Asked, count: int) -> str:
    """The capability that lets a command be accepted, of all that were published."""
    targets = TargetFinder(everybody.committer, asked, require_descriptor=True)
    taken = [str(number) for number in range(count) if is_taken(targets, number)]
    assert len(taken) < 2
    return taken[0] if taken else UNKNOWN


def is_taken(targets: TargetFinder, number: int) -> bool:
    """Whether a command of this number finds its target."""
    try:
        targets.find(command(command_type=f"c{number}"))
    except RequestError:
        return False
    return True


def argument(everybody: Everybody, asked: Asked, count: int) -> str:
    """The number that the action in effect accepts; unknown if there is none."""
    actions = ArgumentChecker(everybody.committer, asked)
    targets = TargetFinder(everybody.committer, asked, require_descriptor=False)
    ids = {"system_id": HEATER.system_id, "container_id": HEATER.container_id}
    target = targets.find(command(command_type="none", scope_id="nobody", **ids))
    taken = []
    for number in range(-1, count):
        try:
            actions.check(command(command_type="set", payload={"n": number}), target)
        except RequestError:
            continue
        taken.append(number)
    return UNKNOWN if -1 in taken else str(taken[0])


def newest_manifest(everybody: Everybody, moment: Moment) -> str:
    """Of those in effect the one with the latest effectiveTime, then version, by hand."""
    found = everybody.in_effect("manifest", moment)
    if not found:
        return UNKNOWN
    return max(found, key=lambda one: (one.effective_ns, int(one.name))).name


def bound_driver(everybody: Everybody, moment: Moment) -> str:
    """The driver that is bound by hand: in source time the earliest goes before all."""
    found = everybody.in_effect("binding", moment)
    if found:
        return f"d{found[-1].name}@1.0.0"
    last = moment_at("source", timestamps.NS_MAX)
    if moment.timebase == "source" and (all_told := everybody.in_effect("binding", last)):
        return f"d{all_told[0].name}@1.0.0"
    return "jsonl@1.0.0"


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """A new folder for each example."""

    def made() -> Iterator[Path]:
        number = 0
        while True:
            number += 1
            yield tmp_path / str(number)

    return made()


@given(
    said=st.lists(SAID, max_size=9),
    hour=st.integers(-32, 40),
    timebase=st.sampled_from(TIMEBASES),
)
@law(60)
async def test_all_agree_at_any_moment(
    folders: Iterator[Path], said: list[Said], hour: int, timebase: Timebase
) -> None:
    """With the brute force of the rule, in both timebases, with clocks that are wrong,
    times that tie and what is dated ahead.
    """
    moment = moment_at(timebase, hours(hour))
    with ExitStack() as stack:
        everybody = Everybody(stack, next(folders))
        everybody.tell(said)
        expected = capability(everybody, moment)
        asked = Asked(everybody.committer, moment)

        entities = await discovered(
            everybody.view, timebase, moment.time_ns, discovery=discovery_of(everybody.view)
        )
        described = [one.descriptor for one in entities if one.unique_id == HEATER.unique_id]
        told = [one.capabilities for one in described if one is not None]
        assert told == ([] if expected == UNKNOWN else [[f"command:c{expected}"]])
        assert commanded(everybody, asked, len(said)) == expected

        versions = {
            one.manifest_version
            for one in PublishedMetadata(everybody.view, "ground").manifests(moment)
        }
        by_hand = everybody.in_effect("manifest", moment)
        assert versions == {f"1.{one.name}.0" for one in by_hand}
        assert argument(everybody, asked, len(said)) == newest_manifest(everybody, moment)

        bound = BoundDrivers(everybody.view, REGISTRY, timebase)
        bound.load(everybody.view.watermark)
        assert bound.choose(STREAM, moment.time_ns).name == bound_driver(everybody, moment)

        later = moment_at("canonical", max(moment.time_ns, everybody.committer.last_ns))
        wishes = EntityCapabilities(everybody.committer.archive, everybody.committer.series)
        wish = wishes.capabilities_of((SCOPE, *HEATER), later.time_ns)
        wished = capability(everybody, later)
        assert wish == (frozenset() if wished == UNKNOWN else {f"command:c{wished}"})
