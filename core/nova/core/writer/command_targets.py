"""Finds the target of a command by the descriptors that are in effect now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nova.core.effect.published import DESCRIPTOR_TYPE
from nova.core.errors import RequestError
from nova.core.ordering import order_key
from nova.core.writer.committer import Committer
from nova.core.writer.in_effect import InEffect
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.events.event import Series
from nova.sdk.protocol.submission import SubmitCommand

CAPABILITY_PREFIX = "command:"
METADATA_PRIORITY = LANE_PRIORITY["metadata"]


class EffectiveDescriptor(NamedTuple):
    """A descriptor in effect: its series, its order key in source time, and its capabilities."""

    series: Series
    order_key: bytes
    capabilities: frozenset[str]


class CommandTarget(NamedTuple):
    """The entity that a command goes to; without a descriptor its capabilities are unknown."""

    system_id: str
    container_id: str
    unique_id: str
    descriptor: EffectiveDescriptor | None


class TargetFinder:
    """The entities that commands may name; `require_descriptor` refuses those without one."""

    def __init__(
        self, committer: Committer, in_effect: InEffect, *, require_descriptor: bool
    ) -> None:
        self._committer = committer
        self._in_effect = in_effect
        self._require_descriptor = require_descriptor

    def find(self, request: SubmitCommand) -> CommandTarget:
        """The target of a command. Raises RequestError if it is unknown or ambiguous, or lacks the
        capability.
        """
        descriptors = list(self._descriptors(request))
        if not descriptors:
            return self._without_descriptor(request)
        if len(descriptors) > 1:
            where = ", ".join(f"{s.system_id}/{s.container_id}" for s, _, _ in descriptors)
            raise RequestError(
                "ambiguousTarget",
                f"targetId {request.target_id!r} is in {where}: give systemId and containerId",
            )
        descriptor = descriptors[0]
        capability = CAPABILITY_PREFIX + request.command_type
        if capability not in descriptor.capabilities:
            raise RequestError(
                "unknownCommand",
                f"the descriptor of {request.target_id!r} has no capability {capability!r}",
            )
        series = descriptor.series
        return CommandTarget(series.system_id, series.container_id, series.unique_id, descriptor)

    def _without_descriptor(self, request: SubmitCommand) -> CommandTarget:
        system_id, container_id = request.system_id, request.container_id
        is_known = any(True for _ in self._series(request))
        if self._require_descriptor:
            if is_known:
                raise RequestError("noDescriptor", self._no_descriptor_reason(request))
            raise RequestError(
                "unknownTarget", f"scope {request.scope_id!r} has no {request.target_id!r}"
            )
        if system_id is None or container_id is None:
            raise RequestError(
                "noDescriptor",
                f"{request.target_id!r} has no descriptor to take its ids from: "
                "give systemId and containerId",
            )
        return CommandTarget(system_id, container_id, request.target_id, None)

    def _series(self, request: SubmitCommand) -> Iterator[tuple[int, Series]]:
        """Number and names of each series of the entities that match a command's ids."""
        table = self._committer.series
        for number in table.of_unique_id(request.target_id):
            names = table.names[number]
            if (
                names.scope_id == request.scope_id
                and request.system_id in (None, names.system_id)
                and request.container_id in (None, names.container_id)
            ):
                yield number, names

    def _descriptors(self, request: SubmitCommand) -> Iterator[EffectiveDescriptor]:
        now = self._in_effect.now()
        for number, names in self._descriptor_series(request):
            entry, _ = self._in_effect.published.descriptor(number, now)
            if entry is not None:
                key = order_key(entry.times.source_ns, METADATA_PRIORITY, entry.times.event_id)
                yield EffectiveDescriptor(names, key, frozenset(entry.value.capabilities))

    def _descriptor_series(self, request: SubmitCommand) -> Iterator[tuple[int, Series]]:
        for number, names in self._series(request):
            if names.lane == "metadata" and names.message_type == DESCRIPTOR_TYPE:
                yield number, names

    def _no_descriptor_reason(self, request: SubmitCommand) -> str:
        """The error text for an entity without a descriptor in effect."""
        reason = f"no descriptor of {request.target_id!r} is in effect"
        for number, _ in self._descriptor_series(request):
            ahead = self._in_effect.published.last_descriptor(number)
            if ahead is not None:
                return (
                    f"{reason}: its last one takes effect at {ahead.value.effective_time}; if its "
                    "producer's clock is wrong, set the clock and publish the descriptor again"
                )
        return reason
