"""Alarms of a rule whose field changes from version to version, at any time, in any arrival."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from nova.core.effect.moment import moment_at
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.alarm_queries import AlarmQueries
from nova.core.query.event_filter import EventFilter
from nova.core.store.alarm_store import ALARMS_FOLDER
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.protocol.alarm_messages import Alarms
from tests.core.alarms.alarm_oracle import SECOND
from tests.core.derived.alarming import SCOPE, START_NS, AlarmedArchive, DrawnAlarmEvent
from tests.laws import law

FIELDS = ("volts", "amps")
UNITS = ("a", "b")
RULE_ID = "limit"
LAST_S = 20


class Version(NamedTuple):
    """A version of the rule in one timebase, in the order in which the last one counts."""

    effective_ns: int
    published: tuple[int, bytes]
    rule: AlarmRule | None


def drawn_values(draw: random.Random) -> DrawnAlarmEvent:
    source_ns = START_NS + draw.randint(0, LAST_S) * SECOND
    payload = {field: draw.randint(0, 9) for field in FIELDS if draw.random() < 0.7}
    body = {"lane": "parsed", "messageType": "Power", "schemaVersion": "1"}
    numbered = {**payload, "n": draw.randint(0, 10**9)}
    return DrawnAlarmEvent(source_ns, draw.choice(UNITS), {**body, "payload": numbered})


def drawn_version(draw: random.Random) -> DrawnAlarmEvent:
    source_ns = START_NS + draw.randint(0, LAST_S) * SECOND
    if draw.random() < 0.2:
        return DrawnAlarmEvent(source_ns, "", {}, (RULE_ID, None, source_ns))
    effective_ns = draw.choice((source_ns, START_NS + draw.randint(0, LAST_S) * SECOND))
    low, field = float(draw.randint(2, 7)), draw.choice(FIELDS)
    rule = AlarmRule(
        rule_id=RULE_ID,
        message_type="Power",
        field=field,
        ranges={"warning": Bounds(low=low)},
        effective_time=None if effective_ns == source_ns else timestamps.text(effective_ns),
    )
    return DrawnAlarmEvent(source_ns, "", {}, (RULE_ID, rule, effective_ns))


def walked(archived: AlarmedArchive, timebase: Timebase, at_ns: int) -> dict[tuple[str, str], str]:
    """The states at a time by unit and field, without those that are normal and judged by nothing:
    each value by the version that was in effect at its time, if that is of its field.
    """
    versions: list[Version] = []
    values: list[tuple[int, tuple[int, bytes], str, Any]] = []
    for drawn, event, canonical_ns in archived.recorded:
        time_ns = drawn.source_ns if timebase == "source" else canonical_ns
        if drawn.rule is None:
            place = (event.lane, event.event_id)
            values.append((time_ns, place, drawn.unit, drawn.body["payload"]))
            continue
        _, rule, effective_ns = drawn.rule
        if timebase == "canonical":
            effective_ns = canonical_ns + max(0, effective_ns - drawn.source_ns)
        versions.append(Version(effective_ns, (time_ns, event.event_id), rule))
    versions = sorted(
        (one for one in versions if not any(_replaces(newer, one) for newer in versions)),
        key=lambda one: one[:2],
    )

    def rule_at(time_ns: int) -> AlarmRule | None:
        held = [one.rule for one in versions if one.effective_ns <= time_ns]
        return held[-1] if held else None

    states = {}
    fields = {one.rule.field for one in versions if one.rule is not None}
    for unit in {drawn.unit for drawn, *_ in archived.recorded if drawn.rule is None}:
        own = [one for one in values if one[2] == unit]
        for field in fields:
            steps: list[tuple[int, int, tuple[int, bytes], int | None]] = [
                *((one.effective_ns, 0, (0, b""), None) for one in versions),
                *((time_ns, 1, place, body.get(field)) for time_ns, place, _, body in own),
            ]
            state = "normal"
            for time_ns, _, _, value in sorted(steps, key=lambda one: one[:3]):
                rule = rule_at(time_ns)
                if time_ns > at_ns:
                    break
                if rule is None or rule.field != field:
                    state = "normal"
                elif value is not None:
                    state = "raised" if _is_out(rule, value) else _after_good[state]
            now = rule_at(at_ns)
            if state != "normal" or (now is not None and now.field == field):
                states[unit, field] = state
    return states


def _replaces(newer: Version, older: Version) -> bool:
    from_ns = min(newer.effective_ns, newer.published[0])
    return newer.published > older.published and from_ns <= older.effective_ns


_after_good = {"normal": "normal", "raised": "cleared", "cleared": "cleared"}


def _is_out(rule: AlarmRule, value: int) -> bool:
    assert rule.ranges is not None
    low = rule.ranges["warning"].low
    return low is not None and value < low


async def listed(
    archived: AlarmedArchive, scratch: Path, timebase: Timebase, times_ns: list[int]
) -> list[dict[tuple[str, str], str]]:
    """What a client gets of the same."""
    queries = AlarmQueries(archived.snapshot, archived.data, scratch, SCOPE)
    found: list[dict[tuple[str, str], str]] = []
    try:
        for at_ns in times_ns:
            request = Alarms(listing="all")
            wanted = EventFilter(request.filters, archived.snapshot.series)
            page = await queries.alarms(request, moment_at(timebase, at_ns), wanted)
            found.append({(one.unique_id, one.field): one.state for one in page.alarms})
    finally:
        queries.close()
    return found


@law(8)
@given(st.integers(0, 2**32 - 1))
def test_values_of_a_former_field_begin_no_alarm_and_a_new_store_is_the_same(seed: int) -> None:
    draw = random.Random(seed)
    with ExitStack() as stack:
        archived = AlarmedArchive(stack)
        drawn = [drawn_values(draw) for _ in range(draw.randint(5, 40))]
        drawn += [drawn_version(draw) for _ in range(draw.randint(1, 5))]
        draw.shuffle(drawn)
        drawn += draw.sample(drawn, len(drawn) // 5)
        while drawn:
            size = draw.randint(1, 12)
            part, drawn = drawn[:size], drawn[size:]
            archived.record(part, draw.randint(0, 3))
            archived.make()
        for timebase in TIMEBASES:
            spans = [draw.randint(-1, 2 * LAST_S) * SECOND + draw.randint(0, 3) for _ in range(5)]
            times_ns = [START_NS + span for span in spans]
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nova-")))
            archived.close()
            found = asyncio.run(listed(archived, scratch, timebase, times_ns))
            expected = [walked(archived, timebase, at_ns) for at_ns in times_ns]
            assert found == expected, (timebase, times_ns)
        before = archived.digest()
        archived.close()
        shutil.rmtree(archived.data / ALARMS_FOLDER)
        archived.make()
        assert archived.digest() == before, "an archive whose alarms were deleted makes the same"
