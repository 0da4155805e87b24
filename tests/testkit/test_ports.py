"""Free ports: two servers of one test never get the same."""

from __future__ import annotations

from nova.testkit.ports import free_port

PORTS = 300


def test_no_port_is_given_twice() -> None:
    """A port is free until its server listens, so that nothing else keeps it from being taken."""
    assert len({free_port() for _ in range(PORTS)}) == PORTS
