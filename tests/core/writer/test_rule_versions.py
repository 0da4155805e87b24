"""From a publication on the rules of the folder are what judges, whenever they and those before
take effect.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.ordering import TIMEBASES, Timebase
from nova.core.store.alarm_store import AlarmName
from nova.core.writer.rule_events import publish_rules, rule_news
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.alarms.alarm_rule_files import RuleFile
from nova.sdk.events.event import Series, check
from tests.core.alarms.alarm_oracle import SECOND
from tests.core.derived.alarming import SCOPE, START_NS, AlarmedArchive
from tests.laws import law

UNIT = Series(SCOPE, "parsed", "bus", "eps", "a", "Power", "")
LAST_S = 20
RULES = ("one", "other")


@pytest.fixture
def archived() -> Iterator[AlarmedArchive]:
    with ExitStack() as stack:
        yield AlarmedArchive(stack)


def rule_of(rule_id: str, low: float, effective_s: int | None = None) -> AlarmRule:
    at = None if effective_s is None else timestamps.text(START_NS + effective_s * SECOND)
    return AlarmRule(
        rule_id=rule_id,
        message_type="Power",
        field="volts",
        ranges={"warning": Bounds(low=low)},
        effective_time=at,
    )


def publish(archived: AlarmedArchive, second: int, *rules: AlarmRule, clock_s: int = 0) -> None:
    """The folder has these rules at a second, by a clock that is off by `clock_s`."""
    archived.now_ns = START_NS + second * SECOND
    files = [RuleFile(Path("rules.toml"), list(rules))]
    now_ns = archived.now_ns + clock_s * SECOND
    publish_rules(archived.committer, archived.archive, SCOPE, files, now_ns)
    again = rule_news(archived.archive, SCOPE, files, now_ns + SECOND)
    assert again.events == [], "a second start publishes nothing"
    archived.make()


def measure(archived: AlarmedArchive, second: int) -> None:
    """A value of 12 V."""
    archived.now_ns = START_NS + second * SECOND
    body = {
        "scopeId": SCOPE,
        "lane": "parsed",
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": "a",
        "sourceTruthTime": timestamps.text(archived.now_ns),
        "messageType": "Power",
        "schemaVersion": "1",
        "payload": {"volts": 12.0},
    }
    assert archived.committer.record_all([check(msgspec.json.encode(body))])
    archived.committer.close_commit()
    archived.make()


def raised(archived: AlarmedArchive) -> set[tuple[str, Timebase]]:
    """The rules with an alarm that was raised, by timebase; a rebuild has the same."""
    live = archived.digest()
    archived.make(anew=True)
    assert archived.digest() == live
    with ExitStack() as stack:
        view = archived.view(stack)
        numbers = range(len(view.names))
        return {
            (view.names[number].rule_id, timebase)
            for timebase in TIMEBASES
            for _, number, _ in view.transitions(timebase, numbers, -(2**63), START_NS + 10**12)
        }


def lows(archived: AlarmedArchive, rule_id: str, timebase: Timebase) -> list[float | None]:
    """The low of the rule in effect half a second after each second."""
    name = AlarmName(SCOPE, rule_id, UNIT, "volts")
    with ExitStack() as stack:
        rules = archived.view(stack).rules
        times_ns = (START_NS + second * SECOND + SECOND // 2 for second in range(2 * LAST_S))
        found = [rules.rule_at(name, timebase, time_ns) for time_ns in times_ns]
    return [None if one is None else (one.ranges or {})["warning"].low for one in found]


def test_what_was_scheduled_does_not_judge_once_the_folder_has_it_no_more(
    archived: AlarmedArchive,
) -> None:
    scheduled = [rule_of(rule_id, 20, 16) for rule_id in ("gone", "replaced", "postponed")]
    publish(archived, 1, *scheduled, rule_of("kept", 20, 16))
    now = [rule_of("replaced", 1), rule_of("postponed", 20, 26), rule_of("kept", 20, 16)]
    publish(archived, 5, *now)
    measure(archived, 20)
    assert raised(archived) == {("kept", timebase) for timebase in TIMEBASES}
    measure(archived, 27)
    assert {rule_id for rule_id, _ in raised(archived)} == {"kept", "postponed"}


def test_a_version_of_the_past_judges_instead_of_the_one_that_it_corrects(
    archived: AlarmedArchive,
) -> None:
    """In source time also the values before; none is received again."""
    publish(archived, 5, rule_of("corrected", 0))
    measure(archived, 6)
    publish(archived, 10, rule_of("corrected", 20, 2))
    assert raised(archived) == {("corrected", "source")}
    measure(archived, 12)
    assert raised(archived) == {("corrected", timebase) for timebase in TIMEBASES}


def test_a_rule_is_in_effect_once_a_version_of_it_is(archived: AlarmedArchive) -> None:
    """An archive without rules has none to count before."""
    first = [rule_of("now", 1), rule_of("past", 1, 2), rule_of("scheduled", 1, 16)]
    files = [RuleFile(Path("rules.toml"), first)]
    now_ns = START_NS + 5 * SECOND
    starts_ns = rule_news(archived.archive, SCOPE, files, now_ns).starts_ns
    assert [start_ns <= now_ns for start_ns in starts_ns] == [True, True, False]
    publish(archived, 5, *first)
    files = [RuleFile(Path("rules.toml"), [rule_of("now", 2, 16), rule_of("scheduled", 2, 18)])]
    now_ns += 10 * SECOND
    starts_ns = rule_news(archived.archive, SCOPE, files, now_ns).starts_ns
    assert [start_ns <= now_ns for start_ns in starts_ns] == [True, False]
    assert starts_ns[1] == START_NS + 18 * SECOND


def test_a_clock_that_is_set_back_keeps_no_rule_of_before(archived: AlarmedArchive) -> None:
    publish(archived, 5, rule_of("one", 20), rule_of("other", 20), clock_s=9)
    publish(archived, 10, rule_of("one", 1))
    for timebase in TIMEBASES:
        assert lows(archived, "one", timebase)[10:] == [1.0] * (2 * LAST_S - 10)
    measure(archived, 25)
    assert raised(archived) == set()


class Publication(NamedTuple):
    """A state of the folder that is another for a rule: when it was published, when it takes
    effect, and the rule's low, None without the rule.
    """

    own_s: int
    effective_s: int
    low: float | None


def walked(publications: Sequence[Publication], timebase: Timebase) -> list[float | None]:
    """The low at each second: a publication ends what was to come, and is in effect from its time
    on; in canonical time from its receipt on at the earliest.
    """
    found: list[float | None] = [None] * (2 * LAST_S)
    for own_s, effective_s, low in publications:
        from_s = max(effective_s, own_s) if timebase == "canonical" else effective_s
        before = found[own_s - 1]
        found[own_s:] = [before] * (2 * LAST_S - own_s)
        found[from_s:] = [low] * (2 * LAST_S - from_s)
    return found


@law(15)
@given(st.integers(0, 2**32 - 1))
def test_the_newest_state_of_the_folder_that_has_taken_effect_judges(seed: int) -> None:
    draw = random.Random(seed)
    told: dict[str, list[Publication]] = {rule_id: [] for rule_id in RULES}
    folder: dict[str, AlarmRule] = {}
    second = 1
    with ExitStack() as stack:
        archived = AlarmedArchive(stack)
        while second < LAST_S:
            for rule_id in draw.sample(RULES, draw.randint(1, 2)):
                before = folder.pop(rule_id, None)
                effective_s = draw.choice((None, second - 1, draw.randint(0, LAST_S)))
                if draw.random() < 0.75:
                    folder[rule_id] = rule_of(rule_id, draw.randint(1, 30), effective_s)
                if folder.get(rule_id) != before:
                    after = folder.get(rule_id)
                    at_s = second if after is None or effective_s is None else effective_s
                    low = None if after is None else (after.ranges or {})["warning"].low
                    told[rule_id].append(Publication(second, at_s, low))
            publish(archived, second, *folder.values())
            measure(archived, second + 1)
            second += draw.randint(2, 6)
        raised(archived)
        for rule_id in RULES:
            for timebase in TIMEBASES:
                expected = walked(told[rule_id], timebase)
                assert lows(archived, rule_id, timebase) == expected, (rule_id, timebase, told)
