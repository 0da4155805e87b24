"""Rule files: `*.toml` and `*.json`, each with a list `rules`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.sdk.alarms.alarm_rule import AlarmRule
from nova.sdk.alarms.alarm_rule_lint import faults_of
from nova.sdk.document import DocumentError, member_fault, parse_document
from nova.sdk.errors import NovaError

SUFFIXES = (".toml", ".json")
RULES = "rules"
FILE_MAX_BYTES = 64 * 1024 * 1024
FAULTS_MAX = 100
"""Faults of a file that an error lists."""


class AlarmRuleError(NovaError):
    """Rule files cannot be used; each line names file, rule, member and remedy."""


class RuleFile(NamedTuple):
    """The rules of one file, or why it cannot be used."""

    path: Path
    rules: list[AlarmRule]
    fault: str = ""


def load_rules(folder: Path) -> list[RuleFile]:
    """The rule files of a folder, in the order of their names; raises AlarmRuleError."""
    files = [read_rules(path) for path in _paths(folder)]
    _refuse_twice(files)
    return files


def load_usable_rules(folder: Path) -> list[RuleFile]:
    """As `load_rules`, but a file that cannot be used, as it is or beside those before it, has no
    rules and a fault; raises AlarmRuleError if the folder cannot be read.
    """
    files: list[RuleFile] = []
    for path in _paths(folder):
        try:
            file = read_rules(path)
            _refuse_twice([*files, file])
        except AlarmRuleError as error:
            file = RuleFile(path, [], str(error))
        files.append(file)
    return files


def _paths(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    except OSError as error:
        raise AlarmRuleError(f"cannot read the rules in {folder}: {error.strerror}") from None


def read_rules(path: Path) -> RuleFile:
    """The rules of one file; raises AlarmRuleError that lists its faults."""
    listed = _listed(path)
    rules: list[AlarmRule] = []
    faults: list[str] = []
    for place, item in enumerate(listed, 1):
        head = f"{path}: {_name_of(place, item)}"
        try:
            rule = msgspec.convert(item, AlarmRule)
        except msgspec.ValidationError as error:
            faults.append(f"{head}: {member_fault(error)}")
            continue
        found = list(faults_of(rule))
        faults += (f"{head}: {fault}" for fault in found)
        rules.append(rule)
    if faults:
        more = len(faults) - FAULTS_MAX
        lines = faults[:FAULTS_MAX] + ([f"{path}: and {more} more faults"] if more > 0 else [])
        raise AlarmRuleError("\n".join(lines))
    file = RuleFile(path, rules)
    _refuse_twice([file])
    return file


def _listed(path: Path) -> list[object]:
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise AlarmRuleError(f"{path}: has more than {FILE_MAX_BYTES} bytes: divide it")
        text = path.read_bytes()
    except OSError as error:
        raise AlarmRuleError(f"cannot read {path}: {error.strerror}") from None
    try:
        document = parse_document(text, is_json=path.suffix == ".json")
    except DocumentError as error:
        raise AlarmRuleError(f"{path}: {error}") from None
    listed = document.get(RULES) if isinstance(document, dict) else None
    if not isinstance(listed, list):
        example = '{"rules": [{…}]}' if path.suffix == ".json" else "[[rules]]"
        raise AlarmRuleError(f"{path}: has no list `{RULES}`: begin each rule as in {example}")
    assert isinstance(document, dict)
    for name in document:
        if name != RULES:
            raise AlarmRuleError(f"{path}: {name}: is not a member of a rule file: remove it")
    return listed


def _name_of(place: int, item: object) -> str:
    rule_id = item.get("ruleId") if isinstance(item, dict) else None
    return f"rule {place}" if not isinstance(rule_id, str) else f"rule {place} ({rule_id[:64]})"


def _refuse_twice(files: Sequence[RuleFile]) -> None:
    seen: dict[str, Path] = {}
    for path, rule_id in _ids(files):
        if rule_id in seen:
            raise AlarmRuleError(
                f"{path}: ruleId {rule_id!r} is in {seen[rule_id]} already: give it another one"
            )
        seen[rule_id] = path


def _ids(files: Sequence[RuleFile]) -> Iterator[tuple[Path, str]]:
    for file in files:
        yield from ((file.path, rule.rule_id) for rule in file.rules)
