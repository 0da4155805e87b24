"""Which connection is closed to make room for another."""

from __future__ import annotations

from nova.edge.connections import ConnectionLimiter
from nova.edge.edge_config import EdgeLimits

LIMITS = EdgeLimits(connections_max=6, unauthenticated_max=4, unauthenticated_per_address_max=2)


class Socket:
    """A connection that notes how it fares."""

    def __init__(self, name: str, authenticated: bool = False) -> None:
        self.name = name
        self.authenticated = authenticated
        self.was_cut = False

    def abort(self) -> None:
        """End at once."""
        self.was_cut = True


def come(
    connections: ConnectionLimiter[Socket], address: str, authenticated: bool = False
) -> Socket:
    """Another connection of an address, which is let in."""
    assert connections.make_room(address)
    socket = Socket(address)
    connections.add(socket, address)
    socket.authenticated = authenticated
    return socket


def test_an_address_has_its_share_and_its_earliest_go_first() -> None:
    """Whoever shares the address with a crowd still gets his moment."""
    connections: ConnectionLimiter[Socket] = ConnectionLimiter(LIMITS)
    sockets = [come(connections, "a") for _ in range(4)]
    assert [socket.was_cut for socket in sockets] == [True, True, False, False]
    assert not come(connections, "b").was_cut
    assert not sockets[2].was_cut


def test_the_address_that_has_most_makes_room_for_all_others() -> None:
    """A crowd of addresses cannot keep anybody out."""
    connections: ConnectionLimiter[Socket] = ConnectionLimiter(LIMITS)
    crowd = [come(connections, address) for address in ("a", "a", "b", "c")]
    come(connections, "d")
    assert [socket.was_cut for socket in crowd] == [True, False, False, False]


def test_who_has_authenticated_is_never_cut() -> None:
    """And counts no more among those that have not."""
    connections: ConnectionLimiter[Socket] = ConnectionLimiter(LIMITS)
    inside = [come(connections, "a", authenticated=True) for _ in range(5)]
    waiting = come(connections, "b")
    assert come(connections, "c", authenticated=True)
    assert waiting.was_cut and not any(socket.was_cut for socket in inside)
    assert not connections.make_room("d")
    connections.discard(inside[0])
    assert connections.make_room("d") and len(connections) == 5
