"""A stand-in for a producer: republishes records with an unknown outcome, and keeps count."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from nova.sdk import address
from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Receipt, Record, Transport
from nova.sdk.transport.link import LinkState
from nova.testkit.conformance.core_stand_in import CoreStandIn, RecordKey, key_of
from nova.testkit.record_reader import READ_TIMEOUT_S

RETRY_INTERVAL_S = 0.05


class ProducerStandIn:
    """Publishes in one scope. Address and bytes identify a record, so each must be unique."""

    def __init__(
        self,
        connect: Callable[[], Transport],
        scope_id: str,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._read_timeout_s = read_timeout_s
        self.scope_id = scope_id
        self.transport = connect()
        self.attempts: Counter[RecordKey] = Counter()
        self.acknowledged: list[RecordKey] = []
        self.failures: list[TransportError] = []
        self._marks: set[RecordKey] = set()

    def entity(self, unique: object = "one", lane: str = "parsed") -> str:
        """The address of an entity of this scope."""
        return str(address.entity(self.scope_id, lane, "bus", "eps", str(unique)))

    def numbered(self, count: int, unique: object = "one", first: int = 0) -> list[Record]:
        """Records of one entity with ascending numbers."""
        return [Record(self.entity(unique), b"%d" % (first + n)) for n in range(count)]

    def state(self) -> LinkState:
        """The link state of its transport."""
        return self.transport.state()

    async def attempt(self, records: Sequence[Record]) -> Receipt:
        """Publish once; raises TransportError if the outcome is unknown."""
        self.attempts.update(map(key_of, records))
        receipt = await self.transport.publish(records)
        self.acknowledged += map(key_of, records)
        return receipt

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Publish until it succeeds."""
        async with asyncio.timeout(self._read_timeout_s):
            while True:
                try:
                    return await self.attempt(records)
                except TransportError as error:
                    self.failures.append(error)
                await asyncio.sleep(RETRY_INTERVAL_S)

    async def publish_marks(self) -> None:
        """Publish a last record of every entity: once it has arrived, all earlier ones have."""
        number = len(self.failures) + len(self.acknowledged)
        addresses = dict.fromkeys(address for address, _ in self.attempts)
        marks = [Record(address, b"mark %d" % number) for address in addresses]
        self._marks = set(map(key_of, marks))
        await self.publish(marks)

    def has_marks_in(self, core: CoreStandIn) -> bool:
        """Whether a Core has all the marks, and so all other records."""
        return self._marks <= core.keys

    def check_arrivals(self, core: CoreStandIn, *, may_repeat: bool = False) -> None:
        """Assert that acknowledged records have arrived, and none more often than it was attempted,
        unless it `may_repeat`. Without failures that means exactly once.
        """
        arrived = Counter(map(key_of, self.own_records(core)))
        missing = [key for key in self.acknowledged if not arrived[key]]
        excess = [key for key, times in arrived.items() if times > self.attempts[key]]
        count = f"of {len(self.acknowledged)} acknowledged records, {len(self.failures)} failures"
        assert not missing, f"{len(missing)} never arrived {count}, such as {_short(missing)}"
        assert may_repeat or not excess, (
            f"{len(excess)} arrived too often {count}, such as {_short(excess)}"
        )

    def check_exactly_once(self, core: CoreStandIn) -> None:
        """Assert that everything arrived once and nothing failed."""
        assert self.failures == []
        self.check_arrivals(core)

    def check_order(self, core: CoreStandIn) -> None:
        """Assert that the records of each entity first arrived in the order of their attempts."""
        attempted, arrived = (
            _by_address(self.attempts),
            _by_address(map(key_of, self.own_records(core))),
        )
        for name, keys in arrived.items():
            wanted = [key for key in attempted.get(name, ()) if key in keys]
            assert list(keys) == wanted, f"{name} came out of order: {_short(list(keys))}"

    def own_records(self, core: CoreStandIn) -> list[Record]:
        """A Core's records of this scope; a shared backend carries others too."""
        prefix = f"nova.{self.scope_id}."
        return [record for record in core.stored if (record.address or "").startswith(prefix)]


def _by_address(keys: Iterable[RecordKey]) -> dict[str | None, dict[RecordKey, None]]:
    found: dict[str | None, dict[RecordKey, None]] = {}
    for key in keys:
        found.setdefault(key[0], {})[key] = None
    return found


def _short(keys: Sequence[RecordKey]) -> list[tuple[str | None, bytes]]:
    return [(name, value[:32]) for name, value in keys[:5]]
