"""What judges: the limits of the manifest that an update names, and rules with another context."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import msgspec
import pytest

from nova.core.ordering import Timebase
from nova.core.writer.manifest_events import published_event
from nova.core.writer.rule_events import rule_event
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds, RuleContext, Staleness
from nova.sdk.events.event import Event, check
from nova.sdk.field_types import JsonObject
from nova.sdk.manifests.manifest import CardManifest, KeySpec, Limits
from tests.core.alarms.alarm_oracle import SECOND
from tests.core.derived.alarming import SCOPE, START_NS, AlarmedArchive

IDS: JsonObject = {"scopeId": SCOPE, "systemId": "bus", "containerId": "eps", "uniqueId": "a"}


@pytest.fixture
def archived() -> Iterator[AlarmedArchive]:
    with ExitStack() as stack:
        yield AlarmedArchive(stack)


def manifest(version: str, limits: Limits | None) -> CardManifest:
    return CardManifest(
        manifest_id="heater",
        manifest_version=version,
        view_id="v",
        entity_type="heater",
        title="Heater",
        allowed_keys={"heat": KeySpec(type="number", limits=limits)},
    )


def recorded(archived: AlarmedArchive, *events: Event) -> None:
    """Commit events a second after the ones before, and judge them."""
    archived.now_ns += SECOND
    assert archived.committer.record_all(events) == len(events)
    archived.committer.close_commit()
    archived.make()


def event(second: int, body: JsonObject, **ids: str) -> Event:
    time = {"sourceTruthTime": timestamps.text(START_NS + second * SECOND)}
    return check(msgspec.json.encode({**IDS, **ids, **time, **body}))


def update(second: int, heat: object, version: str = "1.0.0") -> Event:
    head: JsonObject = {"lane": "ui", "messageType": "UiUpdate", "viewId": "v"}
    names: JsonObject = {"manifestId": "heater", "manifestVersion": version}
    return event(second, {**head, **names, "data": {"heat": heat}})


def measured(second: int, message_type: str, payload: JsonObject, **ids: str) -> Event:
    head: JsonObject = {"lane": "parsed", "messageType": message_type, "schemaVersion": "1"}
    return event(second, {**head, "payload": payload}, **ids)


def changes(archived: AlarmedArchive, timebase: Timebase) -> list[tuple[int, str, int]]:
    """Seconds, changes and ranks of all transitions; a rebuild has the same."""
    live = archived.digest()
    archived.make(anew=True)
    assert archived.digest() == live
    with ExitStack() as stack:
        view = archived.view(stack)
        last_ns = START_NS + 10**12
        found = view.transitions(timebase, range(len(view.names)), -(2**63), last_ns)
        return [((t.time_ns - START_NS) // SECOND, t.change, t.alarm.rank) for _, _, t in found]


def test_the_manifest_that_an_update_names_judges_it(archived: AlarmedArchive) -> None:
    first = manifest("1.0.0", Limits(warning_high=50, critical_high=90))
    second, third = manifest("2.0.0", Limits(warning_high=80)), manifest("3.0.0", None)
    recorded(archived, *(published_event(one, SCOPE) for one in (first, second, third)))
    recorded(archived, update(1, 60), update(2, 95), update(3, 60, "2.0.0"))
    seen: JsonObject = {"viewId": "v", "key": "heat", "severity": "critical", "user": "ada"}
    since = timestamps.text(START_NS + 4 * SECOND)
    recorded(archived, update(4, 85, "2.0.0"))
    acknowledged: JsonObject = {"lane": "metadata", "messageType": "AlarmAcknowledged"}
    recorded(archived, event(5, {**acknowledged, "payload": {**seen, "since": since}}))
    recorded(archived, update(6, None), update(7, 99, "3.0.0"))
    assert changes(archived, "source") == [
        (1, "raised", 1 + 1),
        (2, "worsened", 3),
        (3, "cleared", 0),
        (4, "raised", 2),
        (5, "acknowledged", 2),
        (7, "cleared", 0),
    ]


def test_a_manifest_that_comes_late_judges_earlier_updates_in_source_time_only(
    archived: AlarmedArchive,
) -> None:
    recorded(archived, update(1, 60), update(2, 40))
    recorded(archived, published_event(manifest("1.0.0", Limits(warning_high=50)), SCOPE))
    recorded(archived, update(3, 70))
    raised = [(1, "raised", 2), (2, "cleared", 0), (3, "raised", 2)]
    assert changes(archived, "source") == raised
    assert [change for _, change, _ in changes(archived, "canonical")] == ["raised"]


def test_a_context_of_another_entity_decides_when_a_rule_judges(archived: AlarmedArchive) -> None:
    rule = AlarmRule(
        rule_id="volts",
        message_type="Power",
        unique_id="a",
        field="volts",
        ranges={"severe": Bounds(low=20)},
        context=RuleContext(
            field="mode", unique_id="obc", message_type="Mode", equals=["SCIENCE", "SURVEY"]
        ),
    )
    recorded(archived, rule_event(SCOPE, "volts", rule, START_NS))
    recorded(archived, measured(1, "Power", {"volts": 10}), measured(6, "Power", {"volts": 9}))
    assert changes(archived, "source") == [], "the context has no value yet"
    recorded(archived, measured(8, "Mode", {"mode": "SAFE"}, uniqueId="obc"))
    late = measured(5, "Mode", {"mode": "SURVEY"}, uniqueId="obc")
    recorded(archived, late, measured(9, "Power", {"volts": 9}))
    assert changes(archived, "source") == [(6, "raised", 4), (8, "cleared", 0)]


def test_a_rule_of_another_scope_judges_its_own_scope_alone(archived: AlarmedArchive) -> None:
    rule = AlarmRule(
        rule_id="silent", message_type="Power", field="volts", stale=Staleness(after_s=2)
    )
    recorded(archived, rule_event("other", "silent", rule, START_NS))
    volts: JsonObject = {"volts": 1}
    recorded(archived, measured(1, "Power", volts), measured(2, "Power", volts, scopeId="other"))
    assert changes(archived, "source") == [(4, "raised", 2)]
    with ExitStack() as stack:
        assert [name.series.scope_id for name in archived.view(stack).names] == ["other"]
