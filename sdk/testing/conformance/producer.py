"""A stand-in for a producer: it publishes again what may not have arrived, and keeps count."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from sdk import address
from sdk.errors import TransportError
from sdk.testing.conformance.core import CoreStandIn, Key, key_of
from sdk.testing.reading import READ_TIMEOUT_S
from sdk.transport.base import Receipt, Record, Transport
from sdk.transport.link import LinkState

RETRY_INTERVAL_S = 0.05


class ProducerStandIn:
    """Publishes in one scope; each record is known by its address and bytes, so publish it once."""

    def __init__(self, connect: Callable[[], Transport], scope_id: str) -> None:
        self.scope_id = scope_id
        self.transport = connect()
        self.attempts: Counter[Key] = Counter()
        self.acknowledged: list[Key] = []
        self.failures: list[TransportError] = []
        self._marks: set[Key] = set()

    def entity(self, unique: object = "one", lane: str = "parsed") -> str:
        """The address of an entity of this scope."""
        return str(address.entity(self.scope_id, lane, "bus", "eps", str(unique)))

    def numbered(self, count: int, unique: object = "one", first: int = 0) -> list[Record]:
        """Records of one entity with numbers that go up."""
        return [Record(self.entity(unique), b"%d" % (first + n)) for n in range(count)]

    def state(self) -> LinkState:
        """What its transport says of the link."""
        return self.transport.state()

    async def attempt(self, records: Sequence[Record]) -> Receipt:
        """Publish once; raises TransportError when it cannot be known what became of it."""
        self.attempts.update(map(key_of, records))
        receipt = await self.transport.publish(records)
        self.acknowledged += map(key_of, records)
        return receipt

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Publish the same records until it is known that they are there."""
        async with asyncio.timeout(READ_TIMEOUT_S):
            while True:
                try:
                    return await self.attempt(records)
                except TransportError as error:
                    self.failures.append(error)
                await asyncio.sleep(RETRY_INTERVAL_S)

    async def mark(self) -> None:
        """Publish a last record of every entity: what lies before it has arrived when it has."""
        number = len(self.failures) + len(self.acknowledged)
        addresses = dict.fromkeys(address for address, _ in self.attempts)
        marks = [Record(address, b"mark %d" % number) for address in addresses]
        self._marks = set(map(key_of, marks))
        await self.publish(marks)

    def is_read_by(self, core: CoreStandIn) -> bool:
        """Whether a Core has all the marks, and so everything that will come."""
        return self._marks <= core.keys

    def check_arrivals(self, core: CoreStandIn) -> None:
        """The law: what was acknowledged has arrived, and nothing more often than it was attempted;
        so exactly once where nothing failed.
        """
        arrived = Counter(map(key_of, self.mine(core)))
        missing = [key for key in self.acknowledged if not arrived[key]]
        excess = [key for key, times in arrived.items() if times > self.attempts[key]]
        told = f"of {len(self.acknowledged)} acknowledged records, {len(self.failures)} failures"
        assert not missing, f"{len(missing)} never arrived {told}, such as {_short(missing)}"
        assert not excess, f"{len(excess)} arrived too often {told}, such as {_short(excess)}"

    def check_exactly_once(self, core: CoreStandIn) -> None:
        """Everything arrived once, and nothing failed on the way."""
        assert self.failures == []
        self.check_arrivals(core)

    def check_order(self, core: CoreStandIn) -> None:
        """The records of each entity arrived first in the order in which they were attempted."""
        attempted, arrived = _by_address(self.attempts), _by_address(map(key_of, self.mine(core)))
        for name, keys in arrived.items():
            wanted = [key for key in attempted.get(name, ()) if key in keys]
            assert list(keys) == wanted, f"{name} came out of order: {_short(list(keys))}"

    def mine(self, core: CoreStandIn) -> list[Record]:
        """What a Core has of this scope; a shared backend carries others too."""
        prefix = f"nova.{self.scope_id}."
        return [record for record in core.stored if (record.address or "").startswith(prefix)]


def _by_address(keys: Iterable[Key]) -> dict[str | None, dict[Key, None]]:
    found: dict[str | None, dict[Key, None]] = {}
    for key in keys:
        found.setdefault(key[0], {})[key] = None
    return found


def _short(keys: Sequence[Key]) -> list[tuple[str | None, bytes]]:
    return [(name, value[:32]) for name, value in keys[:5]]
