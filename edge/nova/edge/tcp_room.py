"""Room for one more client of TCP streams, where a limit is reached."""

from __future__ import annotations

from collections.abc import Collection

from nova.edge.tcp_client import TcpClient


def make_room(clients: Collection[TcpClient], clients_max: int) -> bool:
    """Whether there is room beside these clients. At the limit those that have gone leave; if none
    has, the one that connected first of those that have ended their own direction: most of these
    have gone as well, which shows only later.
    """
    if len(clients) < clients_max:
        return True
    half_closed = [one for one in clients if one.is_half_closed()]
    gone = [one for one in half_closed if one.has_gone()]
    for one in gone or sorted(half_closed, key=lambda one: one.connected_s)[:1]:
        one.give_way()
    return bool(half_closed)
