"""Rule judges: rules and limits of manifests in the form in which they judge values.

A rank is 0 in limits, then 1 to 4 from the mildest severity to the worst.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds, Severity, rank_of
from nova.sdk.manifests.key_spec import Limits
from nova.sdk.timestamps import NS_PER_SECOND

INFINITE = float("inf")

Verdict = Callable[[object, int], int | None]
"""The rank of a value for an alarm of a rank; None if the value cannot be judged."""

Interval = tuple[float, float]
EMPTY: Interval = (INFINITE, -INFINITE)
EVERYTHING: Interval = (-INFINITE, INFINITE)

_Band = tuple[int, float, float, float, float]
"""Rank, bounds, and the bounds within which an alarm of that rank or worse gets milder."""


@dataclass(frozen=True, slots=True)
class RuleJudge:
    """One version of a rule."""

    verdict: Verdict
    is_rate: bool = False
    stale_rank: int = 0
    stale_ns: int | None = None
    samples: int = 1
    hold_ns: int | None = None
    """Seconds of persistence in ns; `samples` does not count then."""

    context: frozenset[tuple[bool, object]] | None = None
    """Values of the context with which it judges; None: always."""

    bands: tuple[_Band, ...] | None = None
    """The bands by which it judges numbers, from the worst; None: by other means."""

    def accepts(self, context: object) -> bool:
        """Whether it judges while the context has this value (None: none yet)."""
        return self.context is None or (context is not None and value_key(context) in self.context)

    def kept_between(self, rank: int) -> tuple[Interval, Interval]:
        """Two intervals: a number strictly within one of them has, for an alarm of this rank, that
        rank. Others may have it too.
        """
        if self.bands is None:
            return EMPTY, EMPTY
        worse = [band for band in self.bands if band[0] > rank]
        low = max((band[1] for band in worse), default=-INFINITE)
        high = min((band[2] for band in worse), default=INFINITE)
        if rank == 0:
            return (low, high), EMPTY
        for own, _, _, inner_low, inner_high in self.bands:
            if own == rank:
                return (low, min(inner_low, high)), (max(inner_high, low), high)
        return EMPTY, EMPTY


def value_key(value: object) -> tuple[bool, object]:
    """Equal for equal values; true and 1 differ, 1 and 1.0 do not."""
    return isinstance(value, bool), value if isinstance(value, str | int | float) else None


def judge_of_rule(rule: AlarmRule) -> RuleJudge:
    """The judge of a rule."""
    persistence, stale, context = rule.persistence, rule.stale, rule.context
    seconds = None if persistence is None else persistence.seconds
    samples = None if persistence is None else persistence.samples
    bounds = rule.ranges if rule.ranges is not None else rule.rates
    bands = None if bounds is None else _bands(bounds, rule.clear_margin)
    return RuleJudge(
        verdict=_verdict_of(rule, bands),
        is_rate=rule.rates is not None,
        stale_rank=0 if stale is None else rank_of(stale.severity),
        stale_ns=None if stale is None else _ns(stale.after_s),
        samples=samples or 1,
        hold_ns=None if seconds is None else _ns(seconds),
        context=None if context is None else frozenset(map(value_key, context.equals)),
        bands=bands if rule.values is None else None,
    )


def _verdict_of(rule: AlarmRule, bands: tuple[_Band, ...] | None) -> Verdict:
    if rule.values is not None:
        return _values_verdict(rule.values)
    return _fresh if bands is None else _bounds_verdict(bands)


def judge_of_limits(limits: Limits) -> RuleJudge:
    """The judge of a manifest's limits of a key: bounds judge numbers, values what is none."""
    bounds: dict[Severity, Bounds] = {
        "warning": Bounds(low=limits.warning_low, high=limits.warning_high),
        "critical": Bounds(low=limits.critical_low, high=limits.critical_high),
    }
    of_number = _bounds_verdict(_bands(bounds, 0.0))
    of_value = _values_verdict({"warning": limits.warning, "critical": limits.critical})

    def verdict(value: object, held: int) -> int | None:
        rank = of_number(value, held)
        if rank is None and isinstance(value, str | bool):
            return of_value(value, held)
        return rank

    return RuleJudge(verdict)


def _ns(seconds: float) -> int:
    return max(1, round(seconds * NS_PER_SECOND))


def _fresh(value: object, held: int) -> int | None:
    return 0


def _values_verdict(values: Mapping[Severity, Sequence[str | bool | float]]) -> Verdict:
    ranks: dict[tuple[bool, object], int] = {}
    for severity, listed in values.items():
        for value in listed:
            key = value_key(value)
            ranks[key] = max(ranks.get(key, 0), rank_of(severity))

    def verdict(value: object, held: int) -> int | None:
        return ranks.get(value_key(value), 0)

    return verdict


def _bands(bounds: Mapping[Severity, Bounds], margin: float) -> tuple[_Band, ...]:
    bands: list[_Band] = []
    for severity, one in bounds.items():
        low = -INFINITE if one.low is None else one.low
        high = INFINITE if one.high is None else one.high
        bands.append((rank_of(severity), low, high, low + margin, high - margin))
    return tuple(sorted(bands, reverse=True))


def _bounds_verdict(bands: tuple[_Band, ...]) -> Verdict:
    quiet_low = max([band[1] for band in bands], default=-INFINITE)
    quiet_high = min([band[2] for band in bands], default=INFINITE)

    def verdict(value: object, held: int) -> int | None:
        if type(value) is not float and type(value) is not int:
            return None
        if not held and quiet_low <= value <= quiet_high:
            return 0
        for rank, low, high, inner_low, inner_high in bands:
            if value < low or value > high:
                return rank
            if rank <= held and (value < inner_low or value > inner_high):
                return rank
        return 0

    return verdict
