"""The embedded transport, held to the promises of all transports: over its socket and over TCP."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.sdk.transport.base import Transport, connect
from nova.testkit.conformance import Backend, TransportConformance
from nova.testkit.ports import LOOPBACK, free_port


class LocalBackend(Backend):
    """Records go from hand to hand: who consumes is the server."""

    keeps_records = False

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self._url = url

    def connect(self) -> Transport:
        """A transport that can be either end."""
        return connect(self._url)


class TestLocalSocket(TransportConformance):
    """A-105…A-119, A-286…A-290, AMB-18: through the Unix socket of a data folder."""

    @pytest.fixture
    def backend(self, tmp_path: Path) -> LocalBackend:
        """A data folder of its own."""
        return LocalBackend("local", f"local://{tmp_path}")


class TestLocalPort(TransportConformance):
    """The same through a loopback port."""

    @pytest.fixture
    def backend(self) -> LocalBackend:
        """A port of its own."""
        return LocalBackend("local (tcp)", f"local://{LOOPBACK}:{free_port()}")
