"""Checking consumed records: each becomes an event or a refusal, and nothing stops the rest
(A-078).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdk.checker import Checker
from sdk.errors import EnvelopeError
from sdk.event import Event
from sdk.transport.base import Record


@dataclass(slots=True)
class Refusal:
    """A record that is no event, its place in the batch, and why."""

    index: int
    record: Record
    error: EnvelopeError


def check_records(records: Sequence[Record], checker: Checker) -> tuple[list[Event], list[Refusal]]:
    """The events among the records in their order, and the refusals."""
    events: list[Event] = []
    refusals: list[Refusal] = []
    for index, record in enumerate(records):
        try:
            events.append(checker.check(record.value, record.address))
        except EnvelopeError as error:
            refusals.append(Refusal(index, record, error))
    return events, refusals
