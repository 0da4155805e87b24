"""The reader of a data folder on this machine, as a client of its socket sees it."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from nova.sdk import endpoints
from nova.sdk.client.retry_policy import Backoff
from nova.sdk.client.server_probe import ANSWER_TIMEOUT_S, ReaderHungError, ServerProbe
from nova.sdk.errors import ConnectionLostError

READER_URL = "http://localhost/"
PROBE_PATH = "alive"
"""Any status is an answer, also that there is no such page."""

RESTART_WAIT_S = 5.0
"""How long a new client waits for a reader that starts or is restarted."""


class LocalReader(ServerProbe):
    """Connections to one reader; the caller closes the session, which they share."""

    def __init__(self, data: Path, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._data = data
        connector = aiohttp.UnixConnector(str(endpoints.reader_socket(data)))
        hung = (
            f"the reader of {data} does not answer (hung or stopped): `nova up` restarts it, "
            "its log says when; then ask again"
        )
        session = aiohttp.ClientSession(connector=connector)
        super().__init__(session, READER_URL, READER_URL + PROBE_PATH, hung, answer_timeout_s)

    async def wait_and_connect(self, wait_s: float) -> aiohttp.ClientWebSocketResponse[bool]:
        """Connect; while the instance runs without its reader, for up to `wait_s`."""
        restarting = Backoff(wait_s)
        while True:
            try:
                return await self.connect()
            except ReaderHungError:
                raise
            except ConnectionLostError:
                if not (self._has_writer() and await restarting.wait()):
                    raise

    def _has_writer(self) -> bool:
        """Whether the instance runs, by its writer."""
        return endpoints.has_listener(endpoints.writer_socket(self._data))

    def why_absent(self, error: Exception) -> str:
        if isinstance(error, PermissionError):
            return f"this user may not connect to the NOVA on {self._data} ({error})"
        if self._has_writer():
            return (
                f"the NOVA on {self._data} runs, but its reader starts or is being restarted: "
                f"ask again in a moment ({error})"
            )
        return f"no NOVA runs on {self._data}: start `nova up` ({error})"
