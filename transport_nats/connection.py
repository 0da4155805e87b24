"""One connection that is kept up, and reconnected, until it is closed.

nats-py reconnects by itself, but gives up on some server errors and does not check JetStream. So a
task monitors the client and replaces it when it has given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from nats.aio.client import Client
from nats.errors import Error, StaleConnectionError

from sdk.errors import TransportError
from transport_nats import cancellation, durability, jetstream
from transport_nats.config import NatsConfig
from transport_nats.jetstream import JetStreamError
from transport_nats.standing import Standing

CONNECT_TIMEOUT_S = 2
RECONNECT_WAIT_S = 1
RETRY_INTERVAL_S = 0.5
PING_INTERVAL_S = 3
PINGS_UNANSWERED_MAX = 2
FLUSH_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
WRITE_BUFFER_MAX_BYTES = 2 * 1024 * 1024
FOREVER = -1
COMPLAINTS_MAX = 100
LOOP_TURNS_TO_END = 3
"""The client's cancelled tasks end within this many turns of the event loop."""

log = logging.getLogger(__name__)


class Connection:
    """A monitored connection; `generation` increases whenever it is lost."""

    def __init__(
        self, config: NatsConfig, standing: Standing, on_change: Callable[[], None]
    ) -> None:
        self.generation = 0
        self._config = config
        self._standing = standing
        self._on_change = on_change
        self._client: Client | None = None
        self._made: Client | None = None
        self._ready = asyncio.Event()
        self._news = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._is_closing = False
        self._complaints: set[str] = set()

    def start(self) -> None:
        """Start connecting, unless already started."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="nova-nats-connection")

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

    def doubt(self, reason: str) -> None:
        """Report a failure on this connection, so that it is verified again."""
        self._lose(reason)

    async def close(self) -> None:
        """Close the connection, its task and its socket."""
        self._is_closing = True
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await cancellation.end(keeper)
        # Not in the task: its cancellation is repeated and would interrupt the closing.
        await self._unmake()
        self._standing.leaves(self)

    async def _keep(self) -> None:
        while True:
            try:
                await self._live()
            except (OSError, Error, TransportError, TimeoutError) as error:
                self._lose(_text(error))
            await asyncio.sleep(RETRY_INTERVAL_S)

    async def _live(self) -> None:
        """Run one client from its creation until it is closed."""
        client = self._made = Client()
        try:
            await self._connect(client)
            self._client = client
            while not client.is_closed:
                self._news.clear()
                if client.is_connected and not self._ready.is_set():
                    await self._verify(client)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if self._ready.is_set() else RETRY_INTERVAL_S):
                        await self._news.wait()
        finally:
            self._client = None
            self._ready.clear()
            if not self._is_closing:
                await self._unmake()

    async def _unmake(self) -> None:
        """Close the last client, whatever its state, and let its tasks end."""
        client, self._made = self._made, None
        if client is None:
            return
        with contextlib.suppress(OSError, Error, TimeoutError, AttributeError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await client.close()
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
            reconnected_cb=self._on_news,
            closed_cb=self._on_disconnected,
            max_reconnect_attempts=FOREVER,
            connect_timeout=CONNECT_TIMEOUT_S,
            reconnect_time_wait=RECONNECT_WAIT_S,
            ping_interval=PING_INTERVAL_S,
            max_outstanding_pings=PINGS_UNANSWERED_MAX,
            flush_timeout=FLUSH_TIMEOUT_S,
            pending_size=WRITE_BUFFER_MAX_BYTES,
            tls=self._config.tls(),
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
            self._standing.fails(self, str(error))
            return
        await durability.check(self._config, client, self._standing)
        if generation == self.generation:  # Else it was lost meanwhile.
            self._standing.works(self)
            self._ready.set()
            self._on_change()

    def _lose(self, reason: str) -> None:
        self.generation += 1
        self._ready.clear()
        if not self._is_closing:
            self._standing.fails(self, reason)
        self._news.set()
        self._on_change()

    async def _on_error(self, error: Exception) -> None:
        client, text = self._client, _text(error)
        if self._is_closing or isinstance(error, StaleConnectionError):
            return  # `_on_disconnected` reports a lost connection.
        if client is None or not client.is_connected:
            self._standing.fails(self, text)
        elif "permissions violation" in text.lower():
            self._standing.warn(text, text)
        elif text not in self._complaints and len(self._complaints) < COMPLAINTS_MAX:
            self._complaints.add(text)
            log.warning("nats client error: link=%s %s", self._config.link, text)

    async def _on_disconnected(self) -> None:
        self._lose("the connection was lost")

    async def _on_news(self) -> None:
        self._news.set()


def _text(error: Exception) -> str:
    return str(error).removeprefix("nats: ") or type(error).__name__
