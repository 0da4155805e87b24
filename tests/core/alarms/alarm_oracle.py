"""The brute force beside the fold of alarms: it steps through every instant at which anything could
happen, and looks at all that was before each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nova.sdk.alarms.alarm_rule import SEVERITIES, AlarmRule, Bounds, Scalar

SECOND = 1_000_000_000
FOR_EVER = 2**63 - 1


class OracleEvent(NamedTuple):
    """An event that concerns the alarm; `order` sorts those of one time."""

    time_ns: int
    order: tuple[int, bytes]
    source_ns: int
    context: Scalar | None = None
    value: Scalar | None = None
    action: dict[str, Any] | None = None


class OracleVersion(NamedTuple):
    """A version of the rule (None: withdrawn), and from when on it holds."""

    from_ns: int
    rule: AlarmRule | None


@dataclass
class BruteForce:
    """What is known after all up to an instant."""

    versions: Sequence[OracleVersion]
    now: int = -(2**63)
    rule: AlarmRule | None = None
    state: str = "normal"
    rank: int = 0
    since: int = 0
    acknowledged: int = 0
    user: str = ""
    comment: str = ""
    shelved: int | None = None
    disabled: bool = False
    context: Scalar | None = None
    heard: int | None = None
    heard_source: int = 0
    last_heard: tuple[Scalar, int] | None = None
    """The last value with its source time, whether it was judged or not."""

    before: tuple[int, Scalar] | None = None
    run: list[tuple[int, int, int]] = field(default_factory=list)
    """Time, source time and rank of the values that were worse than the alarm."""

    crossings: dict[int, int] = field(default_factory=dict)
    """By rank: when the values became at least as bad."""

    changes: list[tuple[int, str, str, int]] = field(default_factory=list)

    def judging(self) -> bool:
        if self.rule is None or self.disabled:
            return False
        context = self.rule.context
        if context is None:
            return True
        return any(_same(self.context, one) for one in context.equals)

    def visible(self) -> tuple[object, ...]:
        """What people see of it."""
        since = self.since if self.state != "normal" else None
        crossed = self.crossings[self.rank] if self.rank else None
        seen = (self.state, self.rank, since, crossed, self.shelved, self.disabled, self.comment)
        return (*seen, self.user if self.state == "acknowledged" else "")

    def changed(self, change: str) -> None:
        self.changes.append((self.now, change, self.state, self.rank))

    def stop_or_start(self, was: bool) -> None:
        if was == self.judging():
            return
        self.run, self.before = [], None
        if was:
            if self.rank:
                self.become(0)
        elif self.heard is not None:
            self.heard = self.now

    def become(self, rank: int, crossed: int | None = None) -> None:
        was, self.rank = self.rank, rank
        for worse in range(was + 1, rank + 1):
            self.crossings[worse] = self.now if crossed is None else crossed
        if rank == 0:
            self.state = {"raised": "cleared"}.get(self.state, "normal")
            self.changed("cleared")
        elif was == 0:
            self.state, self.user, self.acknowledged = "raised", "", 0
            self.changed("raised")
        elif rank < was:
            self.changed("eased")
        else:
            if self.state == "acknowledged" and rank > self.acknowledged:
                self.state = "raised"
            self.changed("worsened")

    def take_rule(self) -> None:
        held = [one for one in self.versions if one.from_ns <= self.now]
        if not held or held[-1].from_ns != self.now:
            return
        was, self.rule = self.judging(), held[-1].rule
        self.run, self.before = [], None
        if self.rule is not None:
            self.stop_or_start(was)
        elif self.state != "normal":
            self.state, self.rank = "normal", 0
            self.changed("withdrawn")

    def take(self, event: OracleEvent) -> None:
        if event.context is not None:
            was = self.judging()
            self.context = event.context
            self.stop_or_start(was)
        if event.value is not None:
            self.take_value(event.value, event.source_ns)
        if event.action is not None:
            self.take_action(event.action)

    def take_value(self, value: Scalar, source_ns: int) -> None:
        self.heard, self.heard_source = self.now, source_ns
        self.last_heard = (value, source_ns)
        if not self.judging():
            return
        assert self.rule is not None
        rank = self.judged(self.rule, value)
        if rank is None:
            return
        if rank <= self.rank:
            self.run = []
            if rank < self.rank:
                self.become(rank)
            return
        self.run.append((self.now, source_ns, rank))
        persistence = self.rule.persistence
        if persistence is None or len(self.run) == persistence.samples:
            self.end_run()

    def end_run(self) -> None:
        run, self.run = self.run, []
        if self.rank == 0:
            self.since = run[0][1]
        self.become(min(rank for _, _, rank in run), run[0][0])

    def judged(self, rule: AlarmRule, value: Scalar) -> int | None:
        if rule.stale is not None:
            return 0
        if rule.values is not None:
            ranks = [
                SEVERITIES.index(severity) + 1
                for severity, listed in rule.values.items()
                if any(_same(value, one) for one in listed)
            ]
            return max(ranks, default=0)
        bounds = rule.ranges
        if rule.rates is not None:
            bounds, before = rule.rates, self.before
            self.before = None if isinstance(value, str | bool) else (self.now, value)
            if self.before is None or before is None or before[0] >= self.now:
                return None
            assert isinstance(value, int | float) and isinstance(before[1], int | float)
            value = (value - before[1]) / ((self.now - before[0]) / 1e9)
        if isinstance(value, str | bool):
            return None
        assert bounds is not None
        out = [rank for rank, one in _ranked(bounds) if _outside(value, one, 0.0)]
        kept = [
            rank
            for rank, one in _ranked(bounds)
            if rank <= self.rank and _outside(value, one, rule.clear_margin)
        ]
        return max(out + kept, default=0)

    def take_action(self, action: dict[str, Any]) -> None:
        kind = action["kind"]
        if kind == "acknowledge":
            fits = self.since <= action["since"] and self.rank <= action["rank"]
            if self.state in ("raised", "cleared") and fits:
                self.state = "acknowledged" if self.state == "raised" else "normal"
                self.user, self.acknowledged = action["user"], action["rank"]
                self.changed("acknowledged")
        elif kind == "comment":
            self.comment = action["comment"]
            self.changed("commented")
        elif kind == "shelve":
            self.shelved = FOR_EVER if action["until"] is None else action["until"]
            self.changed("shelved")
        elif kind == "unshelve":
            self.unshelve()
        elif kind == "disable" and not self.disabled:
            self.state, self.rank, self.run, self.before = "normal", 0, [], None
            self.disabled = True
            self.changed("disabled")
        elif kind == "enable" and self.disabled:
            self.disabled = False
            self.stop_or_start(False)
            self.changed("enabled")
            has_rates = self.rule is not None and self.rule.rates is not None
            if self.last_heard is not None and not has_rates:
                self.take_value(*self.last_heard)

    def unshelve(self) -> None:
        if self.shelved is not None:
            self.shelved = None
            self.changed("unshelved")

    def end_what_is_over(self) -> None:
        """In the order of its kinds, and of time within this instant only."""
        rule = self.rule
        if rule is not None and self.judging():
            if rule.stale is not None and self.heard is not None and not self.rank:
                after = round(rule.stale.after_s * SECOND)
                if self.heard + after <= self.now:
                    self.since = self.heard_source + after
                    self.become(SEVERITIES.index(rule.stale.severity) + 1)
            seconds = None if rule.persistence is None else rule.persistence.seconds
            span = None if seconds is None else round(seconds * SECOND)
            if span is not None and self.run and self.run[0][0] + span <= self.now:
                self.end_run()
        if self.shelved is not None and self.shelved <= self.now and self.shelved < FOR_EVER:
            self.unshelve()


def _same(one: object, other: object) -> bool:
    return one is not None and one == other and isinstance(one, bool) == isinstance(other, bool)


def _ranked(bounds: dict[Any, Bounds]) -> list[tuple[int, Bounds]]:
    return [(SEVERITIES.index(severity) + 1, one) for severity, one in bounds.items()]


def _outside(value: float, bounds: Bounds, margin: float) -> bool:
    low, high = bounds.low, bounds.high
    is_low = low is not None and value < low + margin
    return is_low or (high is not None and value > high - margin)


def brute_force(
    versions: Sequence[OracleVersion], events: Sequence[OracleEvent], until_ns: int
) -> BruteForce:
    """The alarm at a time. Versions of one time are in the order in which the last one counts."""
    events = sorted((one for one in events if one.time_ns <= until_ns), key=lambda one: one[:2])
    times = {one.time_ns for one in events} | {one.from_ns for one in versions}
    spans = {0}
    for version in versions:
        rule = version.rule
        if rule is not None and rule.stale is not None:
            spans.add(round(rule.stale.after_s * SECOND))
        if rule is not None and rule.persistence is not None and rule.persistence.seconds:
            spans.add(round(rule.persistence.seconds * SECOND))
    instants = {time + span for time in times for span in spans}
    instants |= {one.action["until"] for one in events if one.action and one.action.get("until")}
    alarm = BruteForce(sorted(versions, key=lambda one: one.from_ns))
    for instant in sorted(one for one in instants if one <= until_ns):
        alarm.now = instant
        alarm.take_rule()
        for event in events:
            if event.time_ns == instant:
                alarm.take(event)
        alarm.end_what_is_over()
    return alarm
