"""The connections of one edge, and who has to go when there is no room for another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from edge.config import Limits


class Connection(Protocol):
    """A client's session."""

    @property
    def authenticated(self) -> bool:
        """Whether the client has shown a good token."""

    def cut(self) -> None:
        """End it at once."""


_Connection = TypeVar("_Connection", bound=Connection)


class Connections(Generic[_Connection]):
    """Caps of all connections, of those that have not authenticated, and of these per address.

    A new one is never refused for those that have not authenticated: it takes the place of the one
    that has had the longest time to, of the same address, or of the address that has the most.
    Whoever has a token shows it within a moment, also from an address where others do not.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all: set[_Connection] = set()
        self._unknown: dict[_Connection, str] = {}
        """The addresses of those that have not authenticated, as far as was noticed."""

    def __iter__(self) -> Iterator[_Connection]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def make_room(self, address: str) -> bool:
        """Whether another connection of an address may come; one that must go for it is cut."""
        by_address = self._still_unknown()
        unknown = sum(len(found) for found in by_address.values())
        own = by_address.get(address, [])
        if len(own) >= self._limits.unauthenticated_per_address_max:
            self._cut(own[0])
        elif unknown and (
            unknown >= self._limits.unauthenticated_max
            or len(self._all) >= self._limits.connections_max
        ):
            self._cut(max(by_address.values(), key=len)[0])
        return len(self._all) < self._limits.connections_max

    def add(self, connection: _Connection, address: str) -> None:
        """A connection came from an address."""
        self._all.add(connection)
        self._unknown[connection] = address

    def discard(self, connection: _Connection) -> None:
        """A connection has ended."""
        self._all.discard(connection)
        self._unknown.pop(connection, None)

    def _still_unknown(self) -> dict[str, list[_Connection]]:
        """Those that have not authenticated by address, the earliest first."""
        by_address: dict[str, list[_Connection]] = {}
        for connection, address in list(self._unknown.items()):
            if connection.authenticated:
                del self._unknown[connection]
            else:
                by_address.setdefault(address, []).append(connection)
        return by_address

    def _cut(self, connection: _Connection) -> None:
        self.discard(connection)
        connection.cut()
