"""View updates contain the changed keys, at the configured rate."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk.events.envelope import UiUpdate
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observer
from nova.sdk.manifests.manifest import CardManifest, KeySpec
from nova.sdk.producer.view_updates import FULL_PERIOD_NS, PERIOD_NS, ViewError, ViewUpdates

MANIFEST = CardManifest(
    manifest_id="unit",
    manifest_version="1.2.3",
    view_id="unit.view",
    entity_type="unit",
    title="Unit",
    allowed_keys={
        "x": KeySpec(type="number", maximum=100),
        "y": KeySpec(type="number"),
        "mode": KeySpec(type="enum", labels={"A": "a", "B": "b"}),
    },
)
UNIT = Entity("sys", "box", "unit")
SECOND = 10**9
TENTH = SECOND // 10


class HeardUpdates:
    """One scope's views, and what was published of them."""

    def __init__(self) -> None:
        self.observer = Observer("test")
        self.views = ViewUpdates(self.observer, {MANIFEST.view_id: MANIFEST})
        self.updates: list[tuple[int, dict[str, object]]] = []

    def hear(self, at_ns: int, **data: object) -> HeardUpdates:
        """A report at a time."""
        observation = self.observer.observe(UNIT, at_ns)
        return self.take(*self.views.update(observation, MANIFEST.view_id, data))

    def end(self) -> HeardUpdates:
        """The end of the recording."""
        return self.take(*self.views.flush())

    def take(self, *events: Event) -> HeardUpdates:
        """Keep what was published."""
        for event in events:
            assert isinstance(event.envelope, UiUpdate)
            self.updates.append((event.source_ns, event.envelope.data))
        return self

    def folded(self) -> dict[str, object]:
        """The state after all updates."""
        state: dict[str, object] = {}
        for _, data in sorted(self.updates, key=lambda update: update[0]):
            state.update(data)
        return state


def test_first_report_is_told_whole_under_its_manifest() -> None:
    """At the report's own time, with id and version of the manifest."""
    told = HeardUpdates()
    observation = told.observer.observe(UNIT, SECOND)
    (event,) = told.views.update(observation, "unit.view", {"x": 1, "mode": "A"})
    assert event.series == ("test", "ui", *UNIT, "UiUpdate", "unit.view")
    assert isinstance(event.envelope, UiUpdate)
    assert (event.envelope.manifest_id, event.envelope.manifest_version) == ("unit", "1.2.3")
    assert (event.source_ns, event.envelope.data) == (SECOND, {"x": 1, "mode": "A"})


def test_only_changed_keys() -> None:
    """A second later only what is another; nothing where nothing is."""
    told = HeardUpdates().hear(0, x=1, y=1).hear(SECOND, x=2, y=1).hear(2 * SECOND, x=2, y=1)
    assert told.updates == [(0, {"x": 1, "y": 1}), (SECOND, {"x": 2})]


def test_ten_a_second_are_one_a_second() -> None:
    """What is held back is in the next that is due, with its latest value."""
    told = HeardUpdates()
    for tick in range(31):
        told.hear(tick * TENTH, x=tick)
    assert len(told.updates) <= 4
    assert told.updates[1] == (9 * TENTH, {"x": 9})


def test_a_change_of_state_does_not_wait() -> None:
    """With it goes what waited."""
    told = HeardUpdates().hear(0, x=1, mode="A").hear(TENTH, x=2).hear(2 * TENTH, x=2, mode="B")
    assert told.updates[1:] == [(2 * TENTH, {"x": 2, "mode": "B"})]


def test_every_ten_seconds_all_that_was_heard() -> None:
    """A key that is no longer sent is not repeated as if it were fresh."""
    told = HeardUpdates().hear(0, x=1, y=1)
    for second in range(1, 21):
        told.hear(second * SECOND, x=1)
    assert told.updates == [(0, {"x": 1, "y": 1}), (10 * SECOND, {"x": 1}), (20 * SECOND, {"x": 1})]


def test_values_that_the_manifest_forbids_are_null() -> None:
    """The value before is not true any more; unknown keys are left out; null stays null."""
    told = HeardUpdates().hear(0, x=1, y=1, other=7).hear(SECOND, x=101, y=None)
    assert told.updates == [(0, {"x": 1, "y": 1}), (SECOND, {"x": None, "y": None})]


def test_view_of_another_entity() -> None:
    """Several messages make one card, under an entity of its own."""
    other = UNIT._replace(unique_id="card")
    told = HeardUpdates()
    observation = told.observer.observe(UNIT, SECOND)
    (event,) = told.views.update(observation, "unit.view", {"x": 1}, other)
    assert event.series[2:5] == other
    assert event.source_ns == SECOND


def test_time_that_goes_back_begins_anew() -> None:
    """What was published of later moments says nothing of earlier ones."""
    told = HeardUpdates().hear(100 * SECOND, x=1, y=1)
    observation = told.observer.observe(Entity("sys", "box", "other"), 5 * SECOND)
    card = UNIT._replace(unique_id="card")
    told.take(*told.views.update(told.observer.observe(card, 50 * SECOND), "unit.view", {"x": 1}))
    told.take(*told.views.update(observation, "unit.view", {"x": 1, "y": 2}))
    assert told.updates[-1] == (5 * SECOND, {"x": 1, "y": 2})


def test_unknown_view_names_those_that_there_are() -> None:
    """One clear error."""
    told = HeardUpdates()
    observation = told.observer.observe(UNIT, 0)
    with pytest.raises(ViewError, match=r"'nothing'; known views: unit\.view"):
        list(told.views.update(observation, "nothing", {}))


def test_shipped_views_are_found() -> None:
    """Without manifests of its own it takes the installed ones."""
    views = ViewUpdates(Observer("test"))
    assert views.manifest("telemetry.gps").manifest_id == "gps"


REPORTS = st.lists(
    st.tuples(
        st.integers(0, 3 * SECOND),
        st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 3), min_size=1)
        | st.fixed_dictionaries({"mode": st.sampled_from(["A", "B"])}),
    ),
    max_size=60,
)


@given(REPORTS)
def test_in_the_end_the_updates_are_the_state(
    reports: list[tuple[int, dict[str, object]]],
) -> None:
    """Whatever is held back or left out: the fold of the updates is that of the reports, the
    same twice, and numbers come no faster than they may.
    """
    first, second = HeardUpdates(), HeardUpdates()
    expected: dict[str, object] = {}
    for told in (first, second):
        at_ns = 0
        for wait_ns, data in reports:
            at_ns += wait_ns
            told.hear(at_ns, **data)
            expected.update(data)
        told.end()
    assert first.folded() == expected
    assert first.updates == second.updates
    assert all(after > before for (before, _), (after, _) in pairwise(first.updates))
    numeric = [at for at, data in first.updates[:-1] if "mode" not in data]
    assert all(
        after - before >= PERIOD_NS or after // FULL_PERIOD_NS > before // FULL_PERIOD_NS
        for before, after in pairwise(numeric)
    )


@given(REPORTS, st.integers(0, 60))
def test_recordings_that_overlap_tell_the_same_again(
    reports: list[tuple[int, dict[str, object]]], cut: int
) -> None:
    """From twenty seconds after the begin of the shorter one on."""
    whole, part = HeardUpdates(), HeardUpdates()
    times = list(accumulate(wait_ns for wait_ns, _ in reports))
    for number, (at_ns, (_, data)) in enumerate(zip(times, reports, strict=True)):
        whole.hear(at_ns, **data)
        if number >= cut:
            part.hear(at_ns, **data)
    settled_ns = part.updates[0][0] + 2 * FULL_PERIOD_NS if part.updates else 0
    assert [one for one in part.updates if one[0] >= settled_ns] == (
        [one for one in whole.updates if one[0] >= settled_ns] if part.updates else []
    )


def test_two_changes_at_one_time_are_one_update() -> None:
    """Two updates of a view at one time would have no order: the second waits for the next."""
    told = HeardUpdates().hear(0, mode="A").hear(0, mode="B").end()
    assert told.updates == [(0, {"mode": "A"}), (1, {"mode": "B"})]
    told = HeardUpdates().hear(0, mode="A").hear(0, mode="B").hear(5, x=1)
    assert told.updates == [(0, {"mode": "A"}), (5, {"mode": "B", "x": 1})]


def test_a_report_that_comes_late_does_not_undo_a_newer_one() -> None:
    """By less than a period; what it alone says is published."""
    told = HeardUpdates().hear(SECOND, x=5).hear(SECOND - TENTH, x=4, y=1).hear(2 * SECOND, y=1)
    assert told.updates == [(SECOND, {"x": 5}), (2 * SECOND, {"y": 1})]
