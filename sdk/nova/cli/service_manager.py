"""Notifications to the service manager that started this process, as systemd defines them."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import MutableMapping
from typing import Self

SOCKET_VARIABLE = "NOTIFY_SOCKET"
WATCHDOG_VARIABLE = "WATCHDOG_USEC"
WATCHDOG_PROCESS_VARIABLE = "WATCHDOG_PID"

log = logging.getLogger(__name__)


class ServiceManager:
    """Sends datagrams to a service manager's socket; without one it sends nothing."""

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        """`watchdog_s` is the time within which it expects each `WATCHDOG=1`, if it does."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = watchdog_s

    @classmethod
    def of_environment(cls, environment: MutableMapping[str, str] = os.environ) -> Self:
        """The manager that the environment names. Its variables are removed, because they are meant
        for this process and not for its children.
        """
        address = environment.pop(SOCKET_VARIABLE, "")
        watchdog_us = environment.pop(WATCHDOG_VARIABLE, "")
        process_id = environment.pop(WATCHDOG_PROCESS_VARIABLE, str(os.getpid()))
        if address and address[0] not in "/@":
            log.warning("%s %r is no Unix socket: it is not used", SOCKET_VARIABLE, address)
            address = ""
        is_watched = bool(address) and watchdog_us.isdecimal() and int(watchdog_us) > 0
        if not is_watched or process_id != str(os.getpid()):
            return cls(address)
        return cls(address, int(watchdog_us) / 1e6)

    @property
    def is_there(self) -> bool:
        return bool(self._address)

    def notify(self, **variables: str | int) -> bool:
        """Send one notification; returns whether it was sent. Nothing waits for a manager that does
        not read.
        """
        if not self._address:
            return False
        text = "\n".join(f"{name}={value}" for name, value in variables.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), self._address)
        except OSError as error:
            context = {"notification": text, "error": str(error)}
            log.warning("the service manager was not notified", extra={"context": context})
            return False
        return True
