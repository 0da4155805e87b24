"""Rules of retention: after how many days the events of a scope and lane are given back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nova.sdk.address import is_id
from nova.sdk.errors import SettingsError

ANY = "*"
RETAINED_LANES = ("ui", "parsed", "raw")
"""The lanes that rules may name; `*` stands for all three."""

KEPT_LANES = ("metadata", "command")
DAYS_PER_YEAR = 366
"""A year of a rule is never shorter than one of the calendar."""

AGE_MAX_YEARS = 100
_RULE = re.compile(
    r"(?P<scope>[^/\s]+)/(?P<lane>[^/\s]+)\s+(?P<count>\d{1,5})(?P<unit>[dy])(?P<files>\s+files)?"
)
_GRAMMAR = "SCOPE/LANE AGE, such as `*/raw 90d`, `sat/parsed 5y` or `*/raw 90d files`"


class RetentionRule(NamedTuple):
    """Events of a scope and lane (`*`: any) are kept for `days` whole days; `removes_files`: the
    daily files of a day are deleted with it.
    """

    scope_id: str
    lane: str
    days: int
    removes_files: bool = False

    def __str__(self) -> str:
        files = " files" if self.removes_files else ""
        return f"{self.scope_id}/{self.lane} {self.days}d{files}"

    def matches(self, scope_id: str, lane: str) -> bool:
        """Whether the rule is about this scope and lane."""
        is_lane = self.lane == lane or (self.lane == ANY and lane in RETAINED_LANES)
        return is_lane and self.scope_id in (ANY, scope_id)


def retention_rules(texts: Iterable[str]) -> tuple[RetentionRule, ...]:
    """Parse the rules in their order; raises SettingsError."""
    rules = tuple(_rule(text.strip()) for text in texts if text.strip())
    for number, rule in enumerate(rules):
        if rule[:2] in [other[:2] for other in rules[:number]]:
            raise SettingsError(
                f"retention: {rule.scope_id}/{rule.lane} has two rules: keep one of them"
            )
    return rules


def rule_for(rules: Sequence[RetentionRule], scope_id: str, lane: str) -> RetentionRule | None:
    """The first rule that matches; None keeps everything."""
    return next((rule for rule in rules if rule.matches(scope_id, lane)), None)


def _rule(text: str) -> RetentionRule:
    match = _RULE.fullmatch(text)
    if match is None:
        raise SettingsError(f"retention: {text[:80]!r} is not {_GRAMMAR}")
    scope_id, lane = match["scope"], match["lane"]
    if scope_id != ANY and not is_id(scope_id):
        raise SettingsError(
            f"retention: scope {scope_id[:64]!r} of {text[:80]!r} is neither * nor "
            "[A-Za-z0-9_-]{1,64}"
        )
    if lane in KEPT_LANES:
        raise SettingsError(
            f"retention: {text[:80]!r} names the lane {lane}, which is always kept: commands, the "
            "audit trail and what describes other events are in it"
        )
    if lane not in (ANY, *RETAINED_LANES):
        raise SettingsError(
            f"retention: lane {lane[:64]!r} of {text[:80]!r} is not *, {', '.join(RETAINED_LANES)}"
        )
    days = int(match["count"]) * (DAYS_PER_YEAR if match["unit"] == "y" else 1)
    if not 1 <= days <= AGE_MAX_YEARS * DAYS_PER_YEAR:
        raise SettingsError(
            f"retention: the age of {text[:80]!r} is not from 1d to {AGE_MAX_YEARS}y"
        )
    return RetentionRule(scope_id, lane, days, match["files"] is not None)
