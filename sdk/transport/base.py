"""The one interface of every transport, and `connect(url)` that finds the plug-in by scheme
(A-105…A-112).

A transport publishes records and consumes them in batches. A batch carries the positions that
resume exactly behind it; the Core stores them in the same commit as the events and only then
acknowledges the batch. Delivery is at least once; the store's dedupe makes it exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, runtime_checkable
from urllib.parse import urlsplit

from sdk import plugins
from sdk.errors import TransportError
from sdk.transport.link import LinkState

PLUGIN_GROUP = "nova.transports"

Positions = dict[str, int]
"""Where each stream of a transport is resumed, e.g. `{"nova.sat.raw.v1/0": 4711}`; opaque to the
Core. A transport may keep other numbers of its own among them, such as what a stream is known by.
"""


class Record(NamedTuple):
    """One message: its address text, its bytes, and (when consumed) where the transport held it."""

    address: str | None
    value: bytes
    position: str = ""


class Rejection(NamedTuple):
    """Why one published record was refused; `place` is its index in what was published."""

    place: int
    code: str
    member: str
    reason: str


@dataclass(slots=True)
class Receipt:
    """What became of published records, as far as the transport can tell (a broker only stores)."""

    new: int = 0
    duplicate: int = 0
    rejected: list[Rejection] = field(default_factory=list)


GapReason = Literal["retention", "truncated", "recreated"]
"""The backend removed records before they were read; it holds less than it did; or the stream is
another one of the same name.
"""


class Gap(NamedTuple):
    """Positions that the backend gave out and no longer has: they were never read (A-105…A-119).

    `to_position` is where reading goes on; it is below `from_position` where the backend lost its
    tail. `scope_id` is None if the stream is not of one scope.
    """

    topic: str
    partition: int | None
    from_position: int
    to_position: int
    reason: GapReason
    scope_id: str | None = None


@dataclass(slots=True)
class Batch:
    """Consumed records in order; `positions` resume behind the last (changed streams only).

    `gaps` lie before the records. The Core records each as an `IngestGap` event in the commit that
    moves the positions over it.
    """

    records: Sequence[Record]
    positions: Positions = field(default_factory=dict)
    gaps: Sequence[Gap] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """What to consume: one scope, or all where `scope_id` is None."""

    scope_id: str | None = None


@runtime_checkable
class Transport(Protocol):
    """A way for events to travel; the conformance suite in `sdk.testing` says what each
    promises.
    """

    link: str
    """The name under which the Core keeps this transport's positions; never holds a password."""

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Return when the records are durable; raises TransportError when that cannot be known,
        and NotSentError when certainly nothing has left.
        """

    def consume(self, subscription: Subscription, positions: Positions) -> AsyncIterator[Batch]:
        """Batches from the given positions on, for ever; the next one is fetched while one is
        worked on.
        """

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        """Called once the batch is committed durably, in the order of consumption."""

    def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """Commands that are dispatched to a scope from now on, each once, for ever; never older
        ones.

        `listening` is set once every command dispatched after it will come, and is cleared while
        that cannot be said. What is dispatched while nobody listens comes to nobody. A command
        counts as taken when the next one is asked for, so do what takes long in a task.
        """

    def state(self) -> LinkState:
        """How the link is at this moment; never waits and never raises."""

    async def close(self) -> None:
        """Stop consuming, flush what is being published, leave nothing behind."""


def connect(url: str) -> Transport:
    """The transport for a URL such as `local:///run/nova.sock` or `kafka://host:9092`."""
    scheme = urlsplit(url).scheme
    known = plugins.names(PLUGIN_GROUP)
    if scheme not in known:
        raise TransportError(
            f"no transport for {url!r}: its scheme is not one of {', '.join(sorted(known))}"
        )
    make = plugins.load(PLUGIN_GROUP, scheme)
    transport = make(url)
    if not isinstance(transport, Transport):
        raise TransportError(f"the plug-in for {scheme!r} made no Transport")
    return transport
