"""Rule files: `*.toml` and `*.json`, each with a list `rules`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.sdk.alarms.alarm_rule import AlarmRule
from nova.sdk.alarms.alarm_rule_lint import faults_of
from nova.sdk.document import DocumentError, member_faults, parse_document
from nova.sdk.errors import NovaError
from nova.sdk.regular_file import read_regular

SUFFIXES = (".toml", ".json")
RULES = "rules"
FILE_MAX_BYTES = 64 * 1024 * 1024
FAULTS_MAX = 100
"""Faults of a file that are listed."""


class AlarmRuleError(NovaError):
    """Rule files cannot be used; each line names file, rule, member and remedy."""


class RuleFile(NamedTuple):
    """The rules of one file; or none and why it cannot be used: rule, member and remedy."""

    path: Path
    rules: list[AlarmRule]
    faults: tuple[str, ...] = ()

    @property
    def fault(self) -> str:
        """All faults, each in a line with the path."""
        return "\n".join(f"{self.path}: {fault}" for fault in self.faults)


def rule_paths(folder: Path) -> list[Path]:
    """The rule files of a folder, in the order of their names; raises AlarmRuleError."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    except OSError as error:
        raise AlarmRuleError(f"cannot read the rules in {folder}: {error.strerror}") from None


def check_rules(paths: Iterable[Path]) -> list[RuleFile]:
    """The rules of files, each with all of its faults: as it is, and beside those before it."""
    files: list[RuleFile] = []
    seen: dict[str, Path] = {}
    for path in paths:
        file = _read(path)
        twice = list(_used_twice(file, seen))
        if twice:
            file = RuleFile(path, [], tuple(twice))
        seen.update((rule.rule_id, path) for rule in file.rules)
        files.append(file)
    return files


def load_usable_rules(folder: Path) -> list[RuleFile]:
    """The rule files of a folder, of which those with a fault have no rules; raises AlarmRuleError
    if the folder cannot be read.
    """
    return check_rules(rule_paths(folder))


def load_rules(folder: Path) -> list[RuleFile]:
    """The rule files of a folder; raises AlarmRuleError that lists all faults."""
    return _sound(load_usable_rules(folder))


def read_rules(path: Path) -> RuleFile:
    """The rules of one file; raises AlarmRuleError that lists its faults."""
    return _sound(check_rules([path]))[0]


def _sound(files: list[RuleFile]) -> list[RuleFile]:
    if faults := [file.fault for file in files if file.faults]:
        raise AlarmRuleError("\n".join(faults))
    return files


def _read(path: Path) -> RuleFile:
    try:
        listed = _listed(path)
    except AlarmRuleError as error:
        return RuleFile(path, [], (str(error),))
    rules: list[AlarmRule] = []
    faults: list[str] = []
    for place, item in enumerate(listed, 1):
        found: list[str] = [str(fault) for fault in member_faults(item, AlarmRule)]
        if not found:
            rule = msgspec.convert(item, AlarmRule)
            found = list(faults_of(rule))
            rules.append(rule)
        faults += (f"{_name_of(place, item)}: {fault}" for fault in found)
    if not faults:
        return RuleFile(path, rules)
    more = len(faults) - FAULTS_MAX
    listed_faults = faults[:FAULTS_MAX] + ([f"and {more} more faults"] if more > 0 else [])
    return RuleFile(path, [], tuple(listed_faults))


def _listed(path: Path) -> list[object]:
    """The rules of a file as they are written; raises AlarmRuleError, without the path."""
    try:
        text = read_regular(path, FILE_MAX_BYTES)
    except OSError as error:
        raise AlarmRuleError(f"cannot be read: {error.strerror}") from None
    try:
        document = parse_document(text, is_json=path.suffix == ".json")
    except DocumentError as error:
        raise AlarmRuleError(str(error)) from None
    listed = document.get(RULES) if isinstance(document, dict) else None
    if not isinstance(listed, list):
        example = '{"rules": [{…}]}' if path.suffix == ".json" else "[[rules]]"
        raise AlarmRuleError(f"has no list `{RULES}`: begin each rule as in {example}")
    assert isinstance(document, dict)
    for name in document:
        if name != RULES:
            raise AlarmRuleError(f"{name}: is not a member of a rule file: remove it")
    return listed


def _name_of(place: int, item: object) -> str:
    rule_id = item.get("ruleId") if isinstance(item, dict) else None
    return f"rule {place}" if not isinstance(rule_id, str) else f"rule {place} ({rule_id[:64]})"


def _used_twice(file: RuleFile, seen: Mapping[str, Path]) -> Iterator[str]:
    for rule_id, count in Counter(rule.rule_id for rule in file.rules).items():
        if rule_id in seen:
            yield f"ruleId {rule_id!r} is in {seen[rule_id]} already: give it another one"
        elif count > 1:
            yield f"ruleId {rule_id!r} is in this file {count} times: give each rule its own"
