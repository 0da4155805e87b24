"""The side of a service manager: a socket that receives notifications."""

from __future__ import annotations

import socket
import time
import uuid
from pathlib import Path


class NotifySocket:
    """A datagram socket at a path, or with an abstract name."""

    def __init__(self, path: Path | None = None) -> None:
        self.variable = f"@nova-{uuid.uuid4()}" if path is None else str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self.variable[1:]}" if path is None else str(path))

    def received(self) -> list[str]:
        """The lines that have arrived since the last call."""
        self._socket.setblocking(False)
        lines: list[str] = []
        try:
            while True:
                lines += self._socket.recv(65_536).decode().splitlines()
        except BlockingIOError:
            return lines

    def until(self, text: str, timeout_s: float) -> list[str]:
        """The lines up to the first one with a text; raises TimeoutError."""
        deadline_s = time.monotonic() + timeout_s
        lines: list[str] = []
        while not any(text in line for line in lines):
            if (left_s := deadline_s - time.monotonic()) <= 0:
                raise TimeoutError(f"no {text} in {lines[-20:]}")
            self._socket.settimeout(left_s)
            lines += self._socket.recv(65_536).decode().splitlines()
        return lines

    def close(self) -> None:
        self._socket.close()
