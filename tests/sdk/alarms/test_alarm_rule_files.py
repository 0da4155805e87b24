"""Rule files: what they may contain, and errors that name place, rule, member and remedy."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds, RuleContext, Staleness
from nova.sdk.alarms.alarm_rule_files import AlarmRuleError, load_rules, read_rules
from nova.sdk.field_types import JsonObject

ROOT = Path(__file__).parents[3]
SOUND: JsonObject = {
    "ruleId": "voltage",
    "messageType": "Power",
    "field": "volts",
    "ranges": {"warning": {"low": 24, "high": 33.5}, "critical": {"low": 22}},
}


def write_rules(folder: Path, name: str, *rules: JsonObject) -> Path:
    """A JSON file of rules."""
    path = folder / f"{name}.json"
    path.write_bytes(msgspec.json.encode({"rules": rules}))
    return path


def test_the_example_of_the_documentation_is_sound(tmp_path: Path) -> None:
    page = (ROOT / "docs/alarms.md").read_text()
    found = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert found is not None
    (tmp_path / "battery.toml").write_text(found[1])
    (file,) = load_rules(tmp_path)
    voltage, silent = file.rules
    assert voltage == AlarmRule(
        rule_id="battery-voltage",
        title="Battery voltage",
        message_type="Power",
        field="bus.volts",
        ranges={"warning": Bounds(low=24.0, high=33.5), "critical": Bounds(low=22.0)},
        clear_margin=0.5,
        persistence=voltage.persistence,
        context=RuleContext(field="mode", message_type="Mode", equals=["SCIENCE"]),
    )
    assert silent.stale == Staleness(after_s=30, severity="critical")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"messageType": None}, "messageType: is missing: a rule of the parsed lane names it"),
        ({"viewId": "eps"}, "viewId: events of the parsed lane have none: use messageType"),
        ({"stale": {"afterS": 3}}, "stale: the rule has ranges already: make it a rule of its own"),
        ({"ranges": None}, "has no condition: give one of ranges, rates, values, stale"),
        ({"ranges": {}}, "ranges: is empty"),
        ({"ranges": {"severe": {}}}, "ranges.severe: has no bound: give low, high or both"),
        (
            {"ranges": {"watch": {"low": 5, "high": 3}}},
            "ranges.watch.low: 5 is above high 3: exchange them",
        ),
        (
            {"ranges": {"watch": {"low": 5}, "critical": {"low": 6}}},
            "ranges.critical.low: 6 is above the 5 of watch",
        ),
        ({"ranges": {"bad": {"low": 5}}}, "ranges: Invalid enum value 'bad'"),
        ({"range": 1}, "Object contains unknown field `range`"),
        ({"persistence": {}}, "persistence: give either samples or seconds"),
        ({"effectiveTime": "soon"}, "effectiveTime: "),
        ({"clearMargin": -1}, "clearMargin: Expected `float` >= 0.0"),
        ({"context": {"field": "mode", "equals": []}}, "context.equals: Expected `array`"),
        (
            {"context": {"field": "m", "equals": [1], "lane": "ui"}},
            "context.viewId: is missing: a rule of the ui lane names it",
        ),
        (
            {"ranges": None, "values": {"watch": ["A"], "severe": ["A"]}},
            "values.severe: 'A' is in watch too: remove one of them",
        ),
        (
            {"ranges": None, "values": {"watch": ["A"]}, "clearMargin": 1},
            "clearMargin: only ranges and rates have a margin: leave it out",
        ),
        (
            {"ranges": None, "stale": {"afterS": 3}, "persistence": {"samples": 2}},
            "persistence: staleness has a time of its own",
        ),
        ({"persistence": {"samples": 0}}, "persistence.samples: Expected `int` >= 1"),
        ({"ranges": None, "stale": {"afterS": 0}}, "stale.afterS: Expected `float` > 0.0"),
        (
            {"clearMargin": 4.8},
            "clearMargin: 4.8 is more than half of the range from 24 to 33.5, so that the alarm "
            "never clears",
        ),
        (
            {"ranges": {"watch": {"low": 5}, "severe": {"high": 3}}},
            "ranges: no value is from 5 to 3, so that it never clears",
        ),
        (
            {"ranges": {"watch": {"low": 5}, "warning": {"high": 90}, "severe": {"low": 6}}},
            "ranges.severe.low: 6 is above the 5 of watch",
        ),
        (
            {"ranges": {"watch": {"low": 5}, "critical": {"low": 5, "high": 9}}},
            "ranges.watch: its bounds are those of critical: it never shows",
        ),
        (
            {"context": {"field": "volts", "equals": [24, 30]}},
            "context: its field is the one that is judged, and none of `equals` is out of limits",
        ),
        ({"field": "bus..volts"}, "field: 'bus..volts' has an empty name"),
    ],
)
def test_a_fault_names_file_rule_member_and_remedy(
    tmp_path: Path, change: JsonObject, fault: str
) -> None:
    wrong = {name: value for name, value in {**SOUND, **change}.items() if value is not None}
    path = write_rules(tmp_path, "power", {**SOUND, "ruleId": "other"}, wrong)
    with pytest.raises(AlarmRuleError) as refused:
        read_rules(path)
    assert str(refused.value).startswith(f"{path}: rule 2 (voltage): {fault}")


@pytest.mark.parametrize(
    "change",
    [
        {"clearMargin": 4.75},
        {"ranges": {"watch": {"low": 0, "high": 0}}},
        {"ranges": {"watch": {"low": 5, "high": 9}, "critical": {"low": 5, "high": 10}}},
        {"context": {"field": "volts", "equals": [23]}},
        {"context": {"field": "volts", "equals": [30], "uniqueId": "other"}},
    ],
)
def test_a_rule_that_can_raise_and_clear_is_sound(tmp_path: Path, change: JsonObject) -> None:
    assert read_rules(write_rules(tmp_path, "power", {**SOUND, **change})).rules


def test_bounds_that_no_event_can_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "power.toml"
    path.write_text(
        "[[rules]]\nruleId = 'v'\nmessageType = 'P'\nfield = 'v'\nranges.watch = { low = -inf }"
    )
    with pytest.raises(AlarmRuleError, match=r"ranges\.watch\.low: -inf is not a finite number"):
        read_rules(path)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "power.toml"
    for text, reason in (
        ("[[rules", "is not TOML"),
        ("x = 1", "has no list `rules`: begin each rule as in [[rules]]"),
        ("rules = []\nrule = 1", "rule: is not a member of a rule file: remove it"),
    ):
        path.write_text(text)
        with pytest.raises(AlarmRuleError, match=re.escape(reason)):
            read_rules(path)
    with pytest.raises(AlarmRuleError, match="cannot read the rules"):
        load_rules(tmp_path / "away")


def test_an_id_that_is_used_twice_names_both_files(tmp_path: Path) -> None:
    one, two = write_rules(tmp_path, "one", SOUND), write_rules(tmp_path, "two", SOUND)
    with pytest.raises(AlarmRuleError, match=re.escape(f"{two}: ruleId 'voltage' is in {one}")):
        load_rules(tmp_path)
