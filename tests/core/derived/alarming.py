"""An archive whose alarms are folded, with random events, rules and actions."""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from nova.core.alarms.rule_book import RuleBook
from nova.core.commit_feed import CommitFrame
from nova.core.derived.alarm_limits import AlarmLimits
from nova.core.derived.alarm_maker import AlarmMaker
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.alarm_view import AlarmView
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.commit_tail import CommitTail
from nova.core.store.alarm_store import AlarmName, AlarmStore
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.core.writer.rule_events import rule_event
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import SEVERITIES, AlarmRule, Staleness
from nova.sdk.events.event import Event, check
from nova.sdk.field_types import JsonObject
from tests.core.alarms.alarm_drawing import MODES, random_action, random_rule, random_value
from tests.core.alarms.alarm_oracle import (
    SECOND,
    BruteForce,
    OracleEvent,
    OracleVersion,
    brute_force,
)

SCOPE = "sat"
START_NS = timestamps.parse("2026-01-01T00:00:00Z")
SILENT = AlarmRule(
    rule_id="silent",
    message_type="Power",
    field="volts",
    stale=Staleness(after_s=30, severity="critical"),
)
LAST_S = 14
UNITS = ("a", "b")
RULES = ("volts-low", "volts-odd")
SMALL = AlarmLimits(
    chunk_max_events=4, mark_inputs=2, recent_max_inputs=6, disorder_inputs=2, pause_inputs=3
)
"""Limits so small that a few events meet all of them."""


class DrawnAlarmEvent(NamedTuple):
    """An event as it is recorded, and what the brute force knows of it."""

    source_ns: int
    unit: str
    body: JsonObject
    rule: tuple[str, AlarmRule | None, int] | None = None
    """Of a rule: its id, the version, and when it takes effect."""

    def event(self) -> Event:
        if self.rule is not None:
            rule_id, rule, _ = self.rule
            return rule_event(SCOPE, rule_id, rule, self.source_ns)
        head: JsonObject = {
            "scopeId": SCOPE,
            "systemId": "bus",
            "containerId": "eps",
            "uniqueId": self.unit,
            "sourceTruthTime": timestamps.text(self.source_ns),
        }
        return check(msgspec.json.encode({**head, **self.body}))


def draw_event(draw: random.Random, calm: float = 0.0) -> DrawnAlarmEvent:
    """An event, an action or a rule; with the probability `calm` an event that is in all limits."""
    source_ns = START_NS + draw.randint(0, LAST_S) * SECOND
    unit, kind = draw.choice(UNITS), draw.random()
    if calm and draw.random() < calm:
        payload: JsonObject = {"n": draw.randint(0, 10**9), "volts": 4.5, "mode": MODES[0]}
        return DrawnAlarmEvent(source_ns, unit, _values_body(payload))
    if kind < 0.1:
        return _drawn_rule(draw, source_ns, unit)
    if kind < 0.3:
        return DrawnAlarmEvent(source_ns, unit, _action_body(draw, source_ns))
    payload = {"n": draw.randint(0, 10**9)}
    if draw.random() < 0.3:
        payload["mode"] = draw.choice(MODES)
    if draw.random() < 0.9:
        payload["volts"] = random_value(draw)
    return DrawnAlarmEvent(source_ns, unit, _values_body(payload))


def _values_body(payload: JsonObject) -> JsonObject:
    body: JsonObject = {"lane": "parsed", "messageType": "Power", "schemaVersion": "1"}
    return {**body, "payload": payload}


def _drawn_rule(draw: random.Random, source_ns: int, unit: str) -> DrawnAlarmEvent:
    rule_id = draw.choice(RULES)
    if draw.random() < 0.15:
        return DrawnAlarmEvent(source_ns, unit, {}, (rule_id, None, source_ns))
    effective_ns = draw.choice((source_ns, START_NS + draw.randint(0, LAST_S) * SECOND))
    effective = None if effective_ns == source_ns else timestamps.text(effective_ns)
    unique_id = draw.choice((None, None, "a"))
    rule = random_rule(draw, rule_id, effective_time=effective, unique_id=unique_id)
    return DrawnAlarmEvent(source_ns, unit, {}, (rule_id, rule, effective_ns))


def _action_body(draw: random.Random, source_ns: int) -> JsonObject:
    action = random_action(draw, source_ns, LAST_S)
    payload: JsonObject = {
        "rule": draw.choice(RULES),
        "action": action["kind"],
        "user": action["user"],
        "n": draw.randint(0, 10**9),
    }
    if "since" in action:
        payload["since"] = timestamps.text(action["since"])
        payload["severity"] = SEVERITIES[action["rank"] - 1]
    if action.get("until") is not None:
        payload["until"] = timestamps.text(action["until"])
    payload["comment"] = action.get("comment", "")
    return {"lane": "metadata", "messageType": "AlarmAction", "payload": payload}


class AlarmedArchive:
    """An archive with a database of alarms of its own; canonical time moves by whole seconds."""

    def __init__(
        self, stack: ExitStack, limits: AlarmLimits = SMALL, tail: CommitTail | None = None
    ) -> None:
        """With a tail, the maker follows the commits that the writer publishes."""
        self._limits = limits
        self.data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nova-")))
        self.archive = Archive.open_primary(self.data)
        stack.callback(self.archive.close)
        self.now_ns = START_NS
        self.committer = Committer(
            self.archive, self.data, own_scope=SCOPE, clock=lambda: self.now_ns
        )
        self.committer.close_commit()
        secondary = Archive.open_secondary(self.data, self.data / "scratch")
        stack.callback(secondary.close)
        self.snapshot = ArchiveSnapshot(secondary)
        self.snapshot.tail = tail
        if tail is not None:
            tail.apply(CommitFrame(self.committer.last_ns, [], None))
        self._store: AlarmStore | None = None
        self._maker: AlarmMaker | None = None
        stack.callback(self.close)
        self.recorded: list[tuple[DrawnAlarmEvent, Event, int]] = []

    def record(self, drawn: Sequence[DrawnAlarmEvent], seconds: int) -> None:
        """Commit events together, after a pause."""
        self.now_ns += seconds * SECOND
        for one in drawn:
            event = one.event()
            canonical_ns = self.committer.record(event)
            if canonical_ns is not None:
                self.recorded.append((one, event, canonical_ns))
        frame = self.committer.close_commit()
        if self.snapshot.tail is not None:
            for number, names in frame.series:
                self.snapshot.add_series(number, names)
            self.snapshot.tail.apply(frame)

    def make(self, steps: int | None = None, *, anew: bool = False) -> None:
        """Continue the maker, or stop it for good after some of its steps."""
        if self._store is None:
            self._store = AlarmStore.open_primary(self.data)
            self._maker = AlarmMaker(self.snapshot, self._store, SCOPE, self._limits)
        assert self._maker is not None
        if anew:
            self._maker.reset()
        for done, _ in enumerate(self._maker.make(self.committer.last_ns), 1):
            if done == steps:
                self.close()
                break

    def close(self) -> None:
        """Drop the maker, whatever it had not written."""
        if self._store is not None:
            self._store.close()
        self._store = self._maker = None

    def digest(self, until_ns: int = START_NS + 10**12) -> str:
        """Of all transitions up to a time in both timebases."""
        sha = hashlib.sha256()
        with ExitStack() as stack:
            view = self.view(stack)
            numbers = range(len(view.names))
            for timebase in TIMEBASES:
                found = [
                    (view.names[number], place.position, one.change, visible(one.alarm))
                    for place, number, one in view.transitions(
                        timebase, numbers, -(2**63), until_ns
                    )
                ]
                sha.update(msgspec.json.encode(sorted(found, key=repr)))
        return sha.hexdigest()

    def view(self, stack: ExitStack) -> AlarmView:
        self.close()
        store = AlarmStore.open_primary(self.data)
        stack.callback(store.close)
        rules = RuleBook(SCOPE)
        for canonical_ns, stored in store.rules():
            rules.add(canonical_ns, stored)
        return AlarmView(store, store.names(), rules)

    def by_hand(self, name: AlarmName, timebase: Timebase, until_ns: int) -> BruteForce:
        """The brute force of an alarm."""
        versions, events = [], []
        for drawn, event, canonical_ns in self.recorded:
            time_ns = drawn.source_ns if timebase == "source" else canonical_ns
            if drawn.rule is not None:
                rule_id, rule, effective_ns = drawn.rule
                if rule_id == name.rule_id:
                    if timebase == "canonical":
                        effective_ns = canonical_ns + max(0, effective_ns - drawn.source_ns)
                    order = (effective_ns, time_ns, event.event_id)
                    versions.append((order, self._applied(rule, name)))
            elif drawn.unit == name.series.unique_id:
                found = self._known_of(drawn, name, time_ns, event)
                events += [found] if found is not None else []
        held = [
            OracleVersion(order[0], rule)
            for order, rule in sorted(versions, key=lambda one: one[0])
            if not any(
                newer[1:] > order[1:] and min(newer[:2]) <= order[0] for newer, _ in versions
            )
        ]
        return brute_force(held, events, until_ns)

    @staticmethod
    def _applied(rule: AlarmRule | None, name: AlarmName) -> AlarmRule | None:
        if rule is None or rule.unique_id not in (None, name.series.unique_id):
            return None
        return rule if (rule.context is None) == (name.context is None) else None

    @staticmethod
    def _known_of(
        drawn: DrawnAlarmEvent, name: AlarmName, time_ns: int, event: Event
    ) -> OracleEvent | None:
        payload: Any = drawn.body["payload"]
        order = (event.lane, event.event_id[:16])
        if drawn.body["lane"] == "parsed":
            context = None if name.context is None else payload.get("mode")
            return OracleEvent(time_ns, order, drawn.source_ns, context, payload.get("volts"))
        if payload["rule"] != name.rule_id:
            return None
        action = {
            "kind": payload["action"],
            "user": payload["user"],
            "comment": payload["comment"],
            "since": _ns(payload.get("since"), 2**63 - 1),
            "rank": SEVERITIES.index(payload.get("severity", "severe")) + 1,
            "until": _ns(payload.get("until"), None),
        }
        return OracleEvent(time_ns, order, drawn.source_ns, action=action)


def _ns(text: str | None, default: int | None) -> int | None:
    return default if text is None else timestamps.parse(text)


def visible(alarm: Any) -> tuple[object, ...]:
    """What people see of an alarm."""
    since = alarm.since_ns if alarm.state != "normal" else None
    crossed = alarm.crossed_ns[-1] if alarm.rank else None
    seen = (alarm.state, alarm.rank, since, crossed, alarm.shelved_ns, alarm.is_disabled)
    return (*seen, alarm.comment, alarm.user if alarm.state == "acknowledged" else "")
