"""`nova rules check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner, Result

from nova.cli.rules_command import rules
from tests.sdk.alarms.test_alarm_rule_files import SOUND, write_rules


def checked(*arguments: str) -> Result:
    return CliRunner().invoke(rules, ["check", *arguments], catch_exceptions=False)


def as_json(folder: Path) -> tuple[int, dict[str, Any]]:
    found = checked(str(folder), "--json")
    return found.exit_code, msgspec.json.decode(found.stdout)


def test_sound_rules_are_counted(tmp_path: Path) -> None:
    path = write_rules(tmp_path, "power", SOUND)
    assert checked(str(path)).stdout == "1 rules in 1 files are valid\n"
    assert as_json(tmp_path) == (0, {"files": 1, "rules": 1, "faults": []})


def test_every_fault_of_every_file_is_reported_at_once(tmp_path: Path) -> None:
    """Of one rule each member that is wrong, and of a folder each file."""
    (tmp_path / "a.toml").write_text("[[rules")
    write_rules(tmp_path, "b", {**SOUND, "lane": "raw", "field": "", "extra": 1}, {"ruleId": "x"})
    write_rules(tmp_path, "c", {**SOUND, "ruleId": "hot"}, {**SOUND, "ruleId": "hot"})
    write_rules(tmp_path, "d", {**SOUND, "ranges": {"watch": {"low": 2, "high": 1}}, "viewId": "v"})
    write_rules(tmp_path, "e", {**SOUND, "ruleId": "cold"})
    status, found = as_json(tmp_path)
    assert status == 1
    assert (found["files"], found["rules"]) == (5, 1)
    faults = [(Path(one["file"]).name[0], one["fault"]) for one in found["faults"]]
    begins = [
        ("a", "is not TOML"),
        ("b", "rule 1 (voltage): Object contains unknown field `extra`"),
        ("b", "rule 1 (voltage): lane: Invalid enum value 'raw'"),
        ("b", "rule 1 (voltage): field: Expected `str` of length >= 1"),
        ("b", "rule 2 (x): Object missing required field `field`"),
        ("c", "ruleId 'hot' is in this file 2 times"),
        ("d", "rule 1 (voltage): viewId: events of the parsed lane have none"),
        ("d", "rule 1 (voltage): ranges.watch.low: 2 is above high 1"),
    ]
    assert len(faults) == len(begins)
    for (name, fault), (file, begin) in zip(faults, begins, strict=True):
        assert name == file and fault.startswith(begin), fault
    text = checked(str(tmp_path))
    assert (text.exit_code, text.stdout) == (1, "")
    assert text.stderr.count("\n") == len(begins)


def test_a_folder_without_rules_has_a_status_of_its_own(tmp_path: Path) -> None:
    empty = checked(str(tmp_path))
    assert (empty.exit_code, empty.stdout) == (3, "")
    assert "has no rule file: a rule file is a *.toml" in empty.stderr
    write_rules(tmp_path, "none")
    status, found = as_json(tmp_path)
    assert status == 3 and found["rules"] == 0 and "has no rule: " in found["nothing"]
