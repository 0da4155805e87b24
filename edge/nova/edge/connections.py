"""Connection limits of one edge, and which connection is closed to make room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from nova.edge.edge_config import EdgeLimits


class LimitedConnection(Protocol):
    """A client's connection, as the limiter sees it."""

    @property
    def authenticated(self) -> bool:
        """Whether the client has sent a valid token."""

    def abort(self) -> None:
        """Abort the connection."""


_ConnectionT = TypeVar("_ConnectionT", bound=LimitedConnection)


class ConnectionLimiter(Generic[_ConnectionT]):
    """Limits all connections, unauthenticated ones, and unauthenticated ones per address.

    Unauthenticated connections never cause a new one to be refused: the new one replaces the oldest
    of its own address, or of the address that has the most. A legitimate client authenticates
    within a moment, so it gets in even from an address that others flood.
    """

    def __init__(self, limits: EdgeLimits) -> None:
        self._limits = limits
        self._all: set[_ConnectionT] = set()
        self._unauthenticated: dict[_ConnectionT, str] = {}
        """Addresses of the connections that were unauthenticated when last checked."""

    def __iter__(self) -> Iterator[_ConnectionT]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def make_room(self, address: str) -> bool:
        """Whether a new connection is accepted; may abort an unauthenticated one for it."""
        by_address = self._unauthenticated_by_address()
        unknown = sum(len(found) for found in by_address.values())
        own = by_address.get(address, [])
        if len(own) >= self._limits.unauthenticated_per_address_max:
            self._abort(own[0])
        elif unknown and (
            unknown >= self._limits.unauthenticated_max
            or len(self._all) >= self._limits.connections_max
        ):
            self._abort(max(by_address.values(), key=len)[0])
        return len(self._all) < self._limits.connections_max

    def add(self, connection: _ConnectionT, address: str) -> None:
        self._all.add(connection)
        self._unauthenticated[connection] = address

    def discard(self, connection: _ConnectionT) -> None:
        self._all.discard(connection)
        self._unauthenticated.pop(connection, None)

    def _unauthenticated_by_address(self) -> dict[str, list[_ConnectionT]]:
        """Unauthenticated connections by address, oldest first."""
        by_address: dict[str, list[_ConnectionT]] = {}
        for connection, address in list(self._unauthenticated.items()):
            if connection.authenticated:
                del self._unauthenticated[connection]
            else:
                by_address.setdefault(address, []).append(connection)
        return by_address

    def _abort(self, connection: _ConnectionT) -> None:
        self.discard(connection)
        connection.abort()
