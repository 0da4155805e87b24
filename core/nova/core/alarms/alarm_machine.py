"""The state of one alarm, of a rule and a series, in one timebase, and what changes it.

The state is a function of what was applied in order. Nothing here reads a clock: shelving,
persistence and staleness end at times that follow from what came before (`due`).
"""

from __future__ import annotations

import msgspec

from nova.core.alarms.rule_judge import RuleJudge
from nova.sdk.protocol.alarm_messages import AlarmActionName, AlarmChangeName, AlarmStateName
from nova.sdk.timestamps import NS_MAX, NS_MIN

Due = tuple[int, int]
"""When something ends by itself, in ns, and what: one of the next three."""

STALE, HELD, UNSHELVED = 0, 1, 2
NEVER: Due = (NS_MAX + 1, STALE)


class AlarmAction(msgspec.Struct, array_like=True, frozen=True):
    """What an operator did. An acknowledgement names since when the alarm has lasted, in source
    time, and how bad it was.
    """

    kind: AlarmActionName
    user: str
    since_ns: int = NS_MAX
    rank: int = 4
    until_ns: int | None = None
    """The end of a shelving; None: until it is unshelved."""

    comment: str = ""


class Alarm(msgspec.Struct, array_like=True):
    """The state of an alarm after all up to `time_ns`."""

    time_ns: int = NS_MIN
    state: AlarmStateName = "normal"
    rank: int = 0
    since_ns: int = 0
    """Source time of the first value that was out of limits."""

    changed_ns: int = 0
    """Time of the last change of state or rank."""

    value: object = None
    """The value of that change; None of staleness."""

    crossed_ns: tuple[int, ...] = ()
    """Of each rank up to `rank`: time of the first of the values that are at least as bad."""

    acknowledged_rank: int = 0
    user: str = ""
    comment: str = ""
    commenter: str = ""
    """Who acknowledged it, the last comment, and whose that is."""

    shelved_ns: int | None = None
    shelver: str = ""
    is_disabled: bool = False

    context: object = None
    last: object = None
    """The value before, of rules about rates."""

    last_ns: int = 0
    fresh_ns: int | None = None
    """From when on staleness counts; None before the first value."""

    fresh_source_ns: int = 0
    pending: int = 0
    """Consecutive values that were worse than the alarm; the mildest had `pending_rank`."""

    pending_rank: int = 0
    pending_ns: int = 0
    pending_source_ns: int = 0
    pending_value: object = None

    def judges(self, judge: RuleJudge | None) -> bool:
        """Whether values are judged now."""
        return judge is not None and not self.is_disabled and judge.accepts(self.context)

    def apply_value(
        self, judge: RuleJudge | None, value: object, time_ns: int, source_ns: int
    ) -> AlarmChangeName | None:
        """Apply a value of the field."""
        self.time_ns = time_ns
        self.fresh_ns, self.fresh_source_ns = time_ns, source_ns
        if judge is None or not self.judges(judge):
            return None
        if judge.is_rate:
            rate = self._rate(value, time_ns)
            if rate is None:
                return None
            rank = judge.verdict(rate, self.rank)
        else:
            rank = judge.verdict(value, self.rank)
        if rank is None:
            return None
        if rank <= self.rank:
            self.pending = 0
            return None if rank == self.rank else self._become(rank, time_ns, value)
        self.pending_rank = min(rank, self.pending_rank) if self.pending else rank
        if not self.pending:
            self.pending_ns, self.pending_source_ns = time_ns, source_ns
        self.pending += 1
        self.pending_value = value
        if judge.hold_ns is None and self.pending >= judge.samples:
            return self._worsen(time_ns)
        return None

    def _rate(self, value: object, time_ns: int) -> float | None:
        """The change per second since the value before; None if there is none at an earlier
        time, or one of them is not a number.
        """
        before, elapsed_ns = self.last, time_ns - self.last_ns
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        self.last, self.last_ns = (value if is_number else None), time_ns
        if not is_number or not isinstance(before, int | float) or elapsed_ns <= 0:
            return None
        assert isinstance(value, int | float)
        return (value - before) / (elapsed_ns / 1e9)

    def _worsen(self, time_ns: int) -> AlarmChangeName | None:
        """Become as bad as the mildest of the values that were worse."""
        rank, value = self.pending_rank, self.pending_value
        if self.rank == 0:
            self.since_ns = self.pending_source_ns
        self.pending = 0
        return self._become(rank, time_ns, value, self.pending_ns)

    def _become(
        self, rank: int, time_ns: int, value: object, crossed_ns: int = NS_MAX
    ) -> AlarmChangeName:
        before, self.rank = self.rank, rank
        kept = self.crossed_ns[:rank]
        self.crossed_ns = kept + (min(crossed_ns, time_ns),) * (rank - len(kept))
        self.changed_ns, self.value = time_ns, value
        if rank == 0:
            self.state = "cleared" if self.state == "raised" else "normal"
            return "cleared"
        if before == 0:
            self.state = "raised"
            self.user, self.acknowledged_rank = "", 0
            return "raised"
        if rank < before:
            return "eased"
        if self.state == "acknowledged" and rank > self.acknowledged_rank:
            self.state = "raised"
        return "worsened"

    def apply_context(
        self, judge: RuleJudge | None, value: object, time_ns: int
    ) -> AlarmChangeName | None:
        """Apply a value of the context's field."""
        before = self.judges(judge)
        self.time_ns, self.context = time_ns, value
        return self._regate(before, judge, time_ns)

    def _regate(
        self, before: bool, judge: RuleJudge | None, time_ns: int
    ) -> AlarmChangeName | None:
        """Start or stop judging, if what decides about it has changed."""
        after = self.judges(judge)
        if before == after:
            return None
        self.pending, self.last = 0, None
        if after:
            self.fresh_ns = None if self.fresh_ns is None else time_ns
            return None
        return self._become(0, time_ns, None) if self.rank else None

    def apply_rule(
        self, before: RuleJudge | None, after: RuleJudge | None, time_ns: int
    ) -> AlarmChangeName | None:
        """Apply another version of the rule (None: it does not apply to the series any more)."""
        judged = self.judges(before)
        self.time_ns, self.pending, self.last = time_ns, 0, None
        if after is not None:
            return self._regate(judged, after, time_ns)
        if self.state == "normal":
            return None
        self._reset(time_ns)
        return "withdrawn"

    def _reset(self, time_ns: int) -> None:
        self.state, self.rank, self.pending, self.last = "normal", 0, 0, None
        self.crossed_ns = ()
        self.changed_ns, self.value = time_ns, None

    def apply_action(
        self, judge: RuleJudge | None, action: AlarmAction, time_ns: int
    ) -> AlarmChangeName | None:
        """Apply an action; None if it changes nothing, and its comment does not count either."""
        self.time_ns = time_ns
        change = self._apply(judge, action, time_ns)
        if change is not None and action.comment:
            self.comment, self.commenter = action.comment, action.user
        return change

    def _apply(
        self, judge: RuleJudge | None, action: AlarmAction, time_ns: int
    ) -> AlarmChangeName | None:
        match action.kind:
            case "acknowledge":
                return self._acknowledge(action, time_ns)
            case "comment":
                return "commented"
            case "shelve":
                self.shelved_ns = NS_MAX if action.until_ns is None else action.until_ns
                self.shelver = action.user
                return "shelved"
            case "unshelve":
                return self._unshelve()
            case "disable":
                if self.is_disabled:
                    return None
                self._reset(time_ns)
                self.is_disabled = True
                return "disabled"
            case "enable":
                if not self.is_disabled:
                    return None
                self.is_disabled = False
                self._regate(False, judge, time_ns)
                return "enabled"

    def _acknowledge(self, action: AlarmAction, time_ns: int) -> AlarmChangeName | None:
        """An acknowledgement counts for the alarm that its user saw: one that has lasted since
        then at least, and is not worse.
        """
        is_open = self.state in ("raised", "cleared")
        if not is_open or self.since_ns > action.since_ns or self.rank > action.rank:
            return None
        self.state = "acknowledged" if self.state == "raised" else "normal"
        self.user, self.acknowledged_rank = action.user, action.rank
        return "acknowledged"

    def _unshelve(self) -> AlarmChangeName | None:
        if self.shelved_ns is None:
            return None
        self.shelved_ns = None
        return "unshelved"

    def due(self, judge: RuleJudge | None) -> Due:
        """What ends first by itself, and when; never before the present state."""
        found = NEVER
        if self.shelved_ns is not None and self.shelved_ns < NS_MAX:
            found = min(found, (self.shelved_ns, UNSHELVED))
        if judge is not None and (judge.stale_ns or self.pending) and self.judges(judge):
            if judge.stale_ns is not None and self.fresh_ns is not None and not self.rank:
                found = min(found, (self.fresh_ns + judge.stale_ns, STALE))
            if judge.hold_ns is not None and self.pending:
                found = min(found, (self.pending_ns + judge.hold_ns, HELD))
        return max(found[0], self.time_ns), found[1]

    def apply_due(self, judge: RuleJudge | None, due: Due) -> AlarmChangeName | None:
        """Apply what is due."""
        time_ns, what = due
        self.time_ns = time_ns
        if what == UNSHELVED:
            return self._unshelve()
        assert judge is not None
        if what == HELD:
            return self._worsen(time_ns)
        assert judge.stale_ns is not None
        self.since_ns = self.fresh_source_ns + judge.stale_ns
        return self._become(judge.stale_rank, time_ns, None)
