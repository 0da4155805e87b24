"""The transport interface, and `connect(url)`, which finds the plug-in for a URL's scheme.

A transport publishes records and consumes them in batches. A batch carries the positions from which
consuming resumes exactly after it. The Core stores them in the same commit as the events and only
then acknowledges the batch. Delivery is at least once; deduplication in the store makes it exactly
once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, runtime_checkable
from urllib.parse import urlsplit

from nova.sdk import plugins
from nova.sdk.errors import TransportError
from nova.sdk.install_command import install_command
from nova.sdk.transport.link import LinkState

PLUGIN_GROUP = "nova.transports"
BROKER_SCHEMES = ("kafka", "mqtt", "nats")
"""Schemes of nova-truth; each is the name of the extra that brings its client library."""

Positions = dict[str, int]
"""The resume position of each stream, e.g. `{"nova.sat.raw.v1/0": 4711}`; opaque to the Core. A
transport may store other numbers of its own in it, such as the identity of a stream.
"""


class Record(NamedTuple):
    """A message: its address, its bytes, and (if consumed) its position in the transport."""

    address: str | None
    value: bytes
    position: str = ""


class Rejection(NamedTuple):
    """Why a published record was rejected; `place` is its index in the published sequence."""

    place: int
    code: str
    member: str
    reason: str


@dataclass(slots=True)
class Receipt:
    """The outcome of a publish, as far as the transport knows it (a broker only stores)."""

    new: int = 0
    duplicate: int = 0
    rejected: list[Rejection] = field(default_factory=list)


GapReason = Literal["retention", "truncated", "recreated"]
"""Retention: the backend removed records before they were read. Truncated: it lost its tail.
Recreated: another stream took the same name.
"""


class Gap(NamedTuple):
    """A range of positions that the backend assigned and lost: they were never read.

    Consuming resumes at `to_position`, which is below `from_position` if the backend lost its tail.
    `scope_id` is None if the stream is not of one scope.
    """

    topic: str
    partition: int | None
    from_position: int
    to_position: int
    reason: GapReason
    scope_id: str | None = None


@dataclass(slots=True)
class Batch:
    """Consumed records in order; `positions` resume after the last (only streams that advanced).

    `gaps` precede the records. The Core records each as an `IngestGap` event in the commit that
    advances the positions over it. `refusals` are the reasons of records that the transport itself
    could make no event of; the address of such a record is none, so that the Core rejects it.
    """

    records: Sequence[Record]
    positions: Positions = field(default_factory=dict)
    gaps: Sequence[Gap] = ()
    refusals: Sequence[Rejection] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """What to consume: one scope, or all if `scope_id` is None."""

    scope_id: str | None = None


@runtime_checkable
class Transport(Protocol):
    """A transport; the conformance suite in `nova.testkit` defines what each must guarantee."""

    link: str
    """The name under which the Core stores this transport's positions; never has a password."""

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Return once the records are durable. Raises TransportError if that is unknown, and
        NotSentError if certainly nothing was sent.
        """

    def consume(self, subscription: Subscription, positions: Positions) -> AsyncIterator[Batch]:
        """Batches from the given positions on, without end; the next batch is fetched while the
        current one is processed.
        """

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        """Acknowledge a batch that is durably committed; called in the order of consumption."""

    def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """Commands dispatched to a scope from now on, each once, without end; never older ones.

        `listening` is set once every later command will be delivered, and cleared while that is not
        certain. Commands dispatched without a listener are lost. Requesting the next command
        acknowledges the current one, so do long work in a task.
        """

    def state(self) -> LinkState:
        """The present state of the link; never waits and never raises."""

    async def close(self) -> None:
        """Stop consuming, flush pending publishes, release all resources."""


def connect(url: str) -> Transport:
    """The transport of a URL such as `local:///run/nova.sock` or `kafka://host:9092`."""
    scheme = urlsplit(url).scheme
    known = plugins.names(PLUGIN_GROUP)
    if scheme not in known:
        missing = f"; for {scheme}: {install_command('nova-truth', scheme)}"
        raise TransportError(
            f"no transport for {url!r}: known schemes are {', '.join(sorted(known))}"
            f"{missing if scheme in BROKER_SCHEMES else ''}"
        )
    make = plugins.load(PLUGIN_GROUP, scheme)
    transport = make(url)
    if not isinstance(transport, Transport):
        raise TransportError(f"the plug-in for {scheme!r} did not return a Transport")
    return transport
