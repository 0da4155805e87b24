"""Rules of retention are read as they are meant, or refused with the reason."""

from __future__ import annotations

import pytest

from nova.sdk import settings
from nova.sdk.errors import SettingsError
from nova.sdk.retention_rule import DAYS_PER_YEAR, retention_rules, rule_for


def test_the_first_rule_that_matches_counts() -> None:
    rules = retention_rules(["sat1/raw 2y", " */raw  90d", "sat1/* 30d"])
    found = {
        (scope, lane): rule.days
        for scope in ("sat1", "sat2")
        for lane in ("metadata", "command", "ui", "parsed", "raw")
        if (rule := rule_for(rules, scope, lane)) is not None
    }
    assert found == {
        ("sat1", "raw"): 2 * DAYS_PER_YEAR,
        ("sat2", "raw"): 90,
        ("sat1", "ui"): 30,
        ("sat1", "parsed"): 30,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raw 90d", "is not SCOPE/LANE AGE"),
        ("*/raw", "is not SCOPE/LANE AGE"),
        ("*/raw 90dfiles", "is not SCOPE/LANE AGE"),
        ("*/raw 90d file", "is not SCOPE/LANE AGE"),
        ("*/raw 90", "is not SCOPE/LANE AGE"),
        ("*/raw 12h", "is not SCOPE/LANE AGE"),
        ("*/raw -1d", "is not SCOPE/LANE AGE"),
        ("s t/raw 1d", "is not SCOPE/LANE AGE"),
        ("sät/raw 1d", "is neither"),
        ("*/video 1d", "is not \\*, ui, parsed, raw"),
        ("*/metadata 1d", "always kept"),
        ("sat/command 5y", "always kept"),
        ("*/raw 0d", "not from 1d to 100y"),
        ("*/raw 101y", "not from 1d to 100y"),
    ],
)
def test_what_is_no_rule_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        retention_rules([text])


def test_a_rule_with_files_deletes_daily_files() -> None:
    plain, with_files = retention_rules(["*/ui 9d", "*/raw 90d  files"])
    assert (plain.removes_files, with_files.removes_files) == (False, True)
    assert retention_rules([str(with_files)]) == (with_files,)


def test_two_rules_for_one_lane_are_refused() -> None:
    with pytest.raises(SettingsError, match="two rules"):
        retention_rules(["*/raw 1d", "*/raw 2d"])


def test_rules_are_settings() -> None:
    environment = {"NOVA_RETENTION": "*/raw 90d, sat1/parsed 5y", "NOVA_SCOPE": "sat1"}
    assert settings.load(None, environment).retention == ("*/raw 90d", "sat1/parsed 5y")
    with pytest.raises(SettingsError, match="always kept"):
        settings.load(None, {"NOVA_RETENTION": "*/command 1d", "NOVA_SCOPE": "sat1"})
