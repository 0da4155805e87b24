"""The health of one definition at work, and how it is said: in the log, in metrics, and as an event
of the output's entity.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Literal

from nova.core.definitions.definition import Definition
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.timestamps import now
from nova.sdk.transport.base import Record

HealthState = Literal["running", "failing", "stopped"]
"""Failing: some rows have no value because the formula fails. Stopped: nothing is derived until a
next attempt succeeds.
"""

EVENT_TYPE = "DerivationState"
QUIET_S = 60.0
"""A definition that has not failed for this long is running again."""

log = logging.getLogger(__name__)


class DefinitionHealth:
    """What one definition has done in this process, and its state."""

    def __init__(
        self,
        definition: Definition,
        clock: Callable[[], float] = time.monotonic,
        quiet_s: float = QUIET_S,
    ) -> None:
        self.state: HealthState = "running"
        self.outputs = self.failures = self.attempts = 0
        self.reason = ""
        self._definition = definition
        self._clock = clock
        self._quiet_s = quiet_s
        self._failed_at = 0.0
        self.output_ns = 0
        """When it last made outputs; 0 if it has not yet."""

        self._slowest = (0.0, 0.0)
        """When the slowest evaluation was, and its time in s."""

    def add_evaluation(self, took_s: float) -> None:
        """Count the time of an evaluation."""
        now = self._clock()
        if took_s >= self._slowest[1] or now - self._slowest[0] >= self._quiet_s:
            self._slowest = (now, took_s)

    def slowest_s(self) -> float:
        """The time of the slowest evaluation of the last minute, in s."""
        at, took_s = self._slowest
        return took_s if self._clock() - at < self._quiet_s else 0.0

    def count(self, outputs: int, failures: int, reason: str) -> Record | None:
        """Count what some events made; returns the event of a change of the state."""
        self.outputs += outputs
        self.failures += failures
        if outputs:
            self.output_ns = now()
        if failures:
            self._failed_at = self._clock()
            return self._change("failing", reason)
        if self.state == "stopped" or self._clock() - self._failed_at >= self._quiet_s:
            return self._change("running", "")
        return None

    def stop(self, reason: str) -> Record | None:
        """Count a failed attempt; returns the event of a change of the state."""
        self.attempts += 1
        self._failed_at = self._clock()
        return self._change("stopped", reason)

    def _change(self, state: HealthState, reason: str) -> Record | None:
        if state == self.state:
            return None
        self.state, self.reason = state, reason
        context = {"definition": self._definition.name, "state": state, "reason": reason}
        level = logging.INFO if state == "running" else logging.ERROR
        log.log(level, "a definition changed its state", extra={"context": context})
        return self._event()

    def _event(self) -> Record:
        series = self._definition.output.series
        entity = Entity(series.system_id, series.container_id, series.unique_id)
        payload = {
            "definition": self._definition.id,
            "version": self._definition.version,
            "state": self.state,
            **({"reason": self.reason} if self.reason else {}),
        }
        return record_of(
            Observer(series.scope_id).observe(entity, now()).metadata(EVENT_TYPE, payload)
        )
