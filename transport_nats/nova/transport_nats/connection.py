"""One connection that is kept up, and reconnected, until it is closed.

nats-py reconnects by itself, but stops at some server errors and does not check JetStream. So a
task monitors the client and replaces it when it has stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from nats.aio.client import Client
from nats.errors import Error, StaleConnectionError

from nova.sdk.errors import TransportError
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_nats import cancellation, durability, jetstream
from nova.transport_nats.config import NatsConfig
from nova.transport_nats.jetstream import JetStreamError

CONNECT_TIMEOUT_S = 2
RECONNECT_WAIT_S = 1
RETRY_INTERVAL_S = 0.5
PING_INTERVAL_S = 3
PINGS_UNANSWERED_MAX = 2
FLUSH_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
WRITE_BUFFER_MAX_BYTES = 2 * 1024 * 1024
UNLIMITED_ATTEMPTS = -1
LOGGED_ERRORS_MAX = 100
LOOP_TURNS_TO_END = 3
"""The client's cancelled tasks end within this many turns of the event loop."""

log = logging.getLogger(__name__)


class NatsConnection:
    """A monitored connection; `generation` increases whenever it is lost."""

    def __init__(
        self, config: NatsConfig, link_health: LinkHealthReporter, on_change: Callable[[], None]
    ) -> None:
        self.generation = 0
        self._config = config
        self._link_health = link_health
        self._on_change = on_change
        self._client: Client | None = None
        self._last_client: Client | None = None
        self._ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._logged_errors: set[str] = set()

    def start(self) -> None:
        """Start connecting, unless already started."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_connected(), name="nova-nats-connection")

    @property
    def is_ready(self) -> bool:
        """Whether there is a connection on which JetStream replies."""
        return self._ready.is_set()

    async def client(self, timeout_s: float | None = None) -> Client:
        """The client, once JetStream replies; raises TransportError after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    await self._ready.wait()
                    if self._client is not None:
                        return self._client
                    await asyncio.sleep(0)
        except TimeoutError:
            raise TransportError(
                f"{self._config.link} was not reached within {timeout_s:.0f} s"
            ) from None

    def report_failure(self, reason: str) -> None:
        """Report a failure on this connection, so that it is verified again."""
        self._mark_lost(reason)

    async def close(self) -> None:
        """Close the connection, its task and its socket."""
        self._is_closing = True
        task, self._task = self._task, None
        if task is not None:
            await cancellation.cancel_until_done(task)
        # Not in the task: its cancellation is repeated and would interrupt the closing.
        await self._discard_client()
        self._link_health.forget(self)

    async def _keep_connected(self) -> None:
        while True:
            try:
                await self._run_client()
            except (OSError, Error, TransportError, TimeoutError) as error:
                self._mark_lost(_text(error))
            await asyncio.sleep(RETRY_INTERVAL_S)

    async def _run_client(self) -> None:
        """Run one client from its creation until it is closed."""
        client = self._last_client = Client()
        try:
            await self._connect(client)
            self._client = client
            while not client.is_closed:
                self._changed.clear()
                if client.is_connected and not self._ready.is_set():
                    await self._verify(client)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if self._ready.is_set() else RETRY_INTERVAL_S):
                        await self._changed.wait()
        finally:
            self._client = None
            self._ready.clear()
            if not self._is_closing:
                await self._discard_client()

    async def _discard_client(self) -> None:
        """Close the last client, whatever its state, and let its tasks end."""
        client, self._last_client = self._last_client, None
        if client is None:
            return
        with contextlib.suppress(OSError, Error, TimeoutError, AttributeError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await close_client(client)
        # An interrupted close, also one by the client itself, leaves the socket open, and another
        # close does nothing.
        if (socket := client._transport) is not None:  # noqa: SLF001
            with contextlib.suppress(OSError, RuntimeError):
                socket.close()  # type: ignore[no-untyped-call]  # Its stub is untyped.
        for _ in range(LOOP_TURNS_TO_END):
            await asyncio.sleep(0)

    async def _connect(self, client: Client) -> None:
        options = self._config.options
        await client.connect(
            servers=[f"nats://{server}" for server in self._config.servers],
            name="nova",
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_disconnected,
            max_reconnect_attempts=UNLIMITED_ATTEMPTS,
            connect_timeout=CONNECT_TIMEOUT_S,
            reconnect_time_wait=RECONNECT_WAIT_S,
            ping_interval=PING_INTERVAL_S,
            max_outstanding_pings=PINGS_UNANSWERED_MAX,
            flush_timeout=FLUSH_TIMEOUT_S,
            pending_size=WRITE_BUFFER_MAX_BYTES,
            tls=self._config.tls_context(),
            tls_hostname=options.get("tls_hostname"),
            user=options.get("user"),
            password=options.get("password"),
            token=options.get("token"),
            user_credentials=options.get("credentials"),
            nkeys_seed=options.get("nkey_seed"),
        )

    async def _verify(self, client: Client) -> None:
        generation = self.generation
        try:
            await jetstream.probe(client)
        except JetStreamError as error:
            self._link_health.report_down(self, str(error))
            return
        await durability.check_server(self._config, client, self._link_health)
        if generation == self.generation:  # Else it was lost meanwhile.
            self._link_health.report_up(self)
            self._ready.set()
            self._on_change()

    def _mark_lost(self, reason: str) -> None:
        self.generation += 1
        self._ready.clear()
        if not self._is_closing:
            self._link_health.report_down(self, reason)
        self._changed.set()
        self._on_change()

    async def _on_error(self, error: Exception) -> None:
        client, text = self._client, _text(error)
        if self._is_closing or isinstance(error, StaleConnectionError):
            return  # `_on_disconnected` reports a lost connection.
        if client is None or not client.is_connected:
            self._link_health.report_down(self, text)
        elif "permissions violation" in text.lower():
            self._link_health.set_warning(text, text)
        elif text not in self._logged_errors and len(self._logged_errors) < LOGGED_ERRORS_MAX:
            self._logged_errors.add(text)
            log.warning("nats client error: link=%s %s", self._config.link, text)

    async def _on_disconnected(self) -> None:
        self._mark_lost("the connection was lost")

    async def _on_reconnected(self) -> None:
        self._changed.set()


def _text(error: Exception) -> str:
    return str(error).removeprefix("nats: ") or type(error).__name__


async def close_client(client: Client) -> None:
    """Close a client. A task of its own that was cancelled while it waited for the same socket to
    close cancels that wait here too: this is no cancellation of the caller.
    """
    caller = asyncio.current_task()
    try:
        await client.close()
    except asyncio.CancelledError:
        if caller is None or caller.cancelling():
            raise
