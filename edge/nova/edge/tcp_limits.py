"""Limits of the TCP streams of one edge."""

from __future__ import annotations

from dataclasses import dataclass

from nova.sdk.settings import DRAIN_S

KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpLimits:
    """Caps and deadlines of TCP streams and their clients; tests pass smaller ones."""

    streams_max: int = 256
    """Streams of an archive; an edge runs no more of them either."""

    streams_per_creator_max: int = 64
    """Streams that a user, a key or a Unix user of this machine has created."""

    list_max_bytes: int = 4 * 1024 * KIB
    """A list of streams, as JSON: below a frame of the protocol. As many streams as there may be,
    with definitions as large as they may be, are smaller.
    """

    clients_per_stream_max: int = 256
    clients_max: int = 1_024
    """Clients of all streams together."""

    queue_max_bytes: int = 4 * 1024 * KIB
    """Whole messages that wait for one client. The clients of a stream share their bytes."""

    batch_bytes: int = 64 * KIB
    """Messages are joined into batches of this size, or of one message that is larger. A batch of
    which a client has got a part is always sent to its end.
    """

    send_buffer_bytes: int = 256 * KIB
    """The kernel's buffer of each client: what it holds is sent, however old it is by then."""

    patience_s: float = 0.25
    """How long a tied stream, or one that catches up, waits for a client that is slower, until it
    waits for that one no longer; the present never waits.
    """

    present_lag_s: float = 2.0
    """A stream that is not tied is at the present with events received this recently."""

    stalled_max_s: float = 300.0
    """A client that takes nothing for this long while messages wait for it is disconnected."""

    discard_bytes_per_s: int = 64 * KIB
    """Bytes of a client that are read, and ignored, in a second; the rest waits at the client."""

    close_timeout_s: float = 1.0
    """A client of a stream that has ended is cut when it takes nothing for this long."""

    drain_s: float = DRAIN_S
    """How long the clients of a stream that has ended may take what waits for them, if they do."""

    tick_s: float = 1.0
    """How often rates are computed, stalled clients found, and ports and creators tried again."""

    reader_request_timeout_s: float = 10.0
    tie_timeout_s: float = 2.0
    """How long a client that ties a stream waits until the reader follows its timeline."""

    half_closed_probe_s: int = 1
    """How often the kernel asks a client that has ended its own direction if it is still there."""

    keepalive_idle_s: int = 30
    keepalive_interval_s: int = 10
    keepalive_probes: int = 3
