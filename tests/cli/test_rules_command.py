"""`nova rules check`."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from nova.cli.rules_command import rules
from nova.sdk.alarms.alarm_rule_files import AlarmRuleError
from tests.sdk.alarms.test_alarm_rule_files import SOUND, write_rules


def checked(*arguments: str) -> str:
    return CliRunner().invoke(rules, ["check", *arguments], catch_exceptions=False).stdout


def test_sound_rules_are_counted_and_a_fault_is_an_error(tmp_path: Path) -> None:
    path = write_rules(tmp_path, "power", SOUND)
    assert checked(str(path)) == "1 rules in 1 files are valid\n"
    assert msgspec.json.decode(checked(str(tmp_path), "--json")) == {"files": 1, "rules": 1}
    write_rules(tmp_path, "thermal", {**SOUND, "ruleId": "hot", "field": ""})
    with pytest.raises(AlarmRuleError, match=r"thermal\.json: rule 1 \(hot\): field: "):
        checked(str(tmp_path))
