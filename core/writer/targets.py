"""Targets: what a command may be sent to, as the descriptors say that are in effect now (AMB-26,
AMB-27).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from core.errors import QueryError
from core.ordering import TIME_BYTES, order_key
from core.store.keys import LAST_EVENT_ID, series_bytes
from core.store.scan import scan
from core.writer.carriers import DESCRIPTOR
from core.writer.commit import Committer
from sdk import timestamps
from sdk.envelope import ProducerDescriptor
from sdk.event import Series, check_stored
from sdk.submission import SubmitCommand

CAPABILITY_PREFIX = "command:"
LATEST_LOOKED_AT = 100
"""How many descriptors of an entity that are not in effect yet are passed over."""

_END_OF_TIME = b"\xff" * TIME_BYTES + LAST_EVENT_ID


class Descriptor(NamedTuple):
    """A descriptor in effect: whose it is, its place in the order, and what it says."""

    series: Series
    order_key: bytes
    capabilities: frozenset[str]


class Target(NamedTuple):
    """Where a command goes; without a descriptor nothing is known of what it can do."""

    system_id: str
    container_id: str
    unique_id: str
    descriptor: Descriptor | None


class Targets:
    """The entities that commands may name."""

    def __init__(self, committer: Committer, *, require_descriptor: bool) -> None:
        self._committer = committer
        self._require_descriptor = require_descriptor

    def find(self, request: SubmitCommand) -> Target:
        """The target of a command, if it can take it; raises QueryError."""
        descriptors = list(self._descriptors(request))
        if not descriptors:
            return self._undescribed(request)
        if len(descriptors) > 1:
            where = ", ".join(f"{s.system_id}/{s.container_id}" for s, _, _ in descriptors)
            raise QueryError(
                "ambiguousTarget",
                f"targetId {request.target_id!r} is in {where}: give systemId and containerId",
            )
        found = descriptors[0]
        capability = CAPABILITY_PREFIX + request.command_type
        if capability not in found.capabilities:
            raise QueryError(
                "unknownCommand",
                f"the descriptor of {request.target_id!r} has no capability {capability!r}",
            )
        series = found.series
        return Target(series.system_id, series.container_id, series.unique_id, found)

    def _undescribed(self, request: SubmitCommand) -> Target:
        system_id, container_id = request.system_id, request.container_id
        is_known = any(True for _ in self._series(request))
        if self._require_descriptor:
            if is_known:
                reason = f"no descriptor of {request.target_id!r} is in effect"
                raise QueryError("noDescriptor", reason)
            raise QueryError(
                "unknownTarget", f"scope {request.scope_id!r} has no {request.target_id!r}"
            )
        if system_id is None or container_id is None:
            raise QueryError(
                "noDescriptor",
                f"{request.target_id!r} has no descriptor to take its ids from: "
                "give systemId and containerId",
            )
        return Target(system_id, container_id, request.target_id, None)

    def _series(self, request: SubmitCommand) -> Iterator[tuple[int, Series]]:
        """The series of the entities that a command may mean."""
        table = self._committer.series
        for number in table.of_unit(request.target_id):
            names = table.names[number]
            if (
                names.scope_id == request.scope_id
                and request.system_id in (None, names.system_id)
                and request.container_id in (None, names.container_id)
            ):
                yield number, names

    def _descriptors(self, request: SubmitCommand) -> Iterator[Descriptor]:
        for number, names in self._series(request):
            if names.lane == "metadata" and names.message_type == DESCRIPTOR:
                found = self._in_effect(number, names)
                if found is not None:
                    yield found

    def _in_effect(self, number: int, names: Series) -> Descriptor | None:
        """The newest descriptor of a series whose effectiveTime has come."""
        archive, series = self._committer.archive, series_bytes(number)
        now_ns = time.time_ns()
        rows = scan(archive.families["series_source"], series, series + _END_OF_TIME, reverse=True)
        for _, (_, at) in zip(range(LATEST_LOOKED_AT), rows, strict=False):
            stored = archive.get("canonical", at + series)
            assert stored is not None
            event, _ = check_stored(stored)
            envelope = event.envelope
            assert isinstance(envelope, ProducerDescriptor)
            if timestamps.parse(envelope.effective_time) <= now_ns:
                key = order_key(event.source_ns, event.lane, event.event_id)
                return Descriptor(names, key, frozenset(envelope.capabilities))
        return None
