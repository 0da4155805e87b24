"""The URL of a Kafka cluster, and the librdkafka properties that follow from it.

`config` names a file of librdkafka properties (`name=value` lines, `#` starts a comment). SASL and
TLS settings belong there, since secrets do not belong in a URL or an argument list. `partitions`
and `replication` apply to topics that NOVA creates; the default is the broker's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from nova.sdk.errors import TransportError
from nova.sdk.regular_file import read_regular

PORT_DEFAULT = 9092
PARTITIONS_MAX = 10_000
REPLICATION_MAX = 100
BROKER_DEFAULT = -1
"""CreateTopics' value for the broker's default."""

RECORD_MAX_BYTES = 8 * 1024 * 1024
"""The largest record that can be sent. It is far above the envelope limit, so that an oversized
record still reaches the Core, which stores it in the reject log.
"""

PUBLISH_QUEUE_MAX_KBYTES = 64 * 1024
DELIVERY_TIMEOUT_MS = 30_000
RECONNECT_MAX_MS = 2_000
FETCH_WAIT_MS = 100
FETCH_QUEUE_BACKOFF_MS = 20
FETCH_PARTITION_MAX_BYTES = 2 * 1024 * 1024
FETCH_MAX_BYTES = 16 * 1024 * 1024
PREFETCH_MAX_KBYTES = 16 * 1024
PREFETCH_MIN_RECORDS = 10_000
POLL_INTERVAL_MAX_MS = 86_400_000

Properties = dict[str, str | int | float | bool]

_HOST = re.compile(r"(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII)
_PARAMETERS = ("config", "partitions", "replication")

# Durability and exact positions depend on these, so a properties file must not set them.
_RESERVED_PROPERTIES = (
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "metadata.broker.list",
    "request.required.acks",
)


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """The cluster of a URL; `properties` may hold secrets and is left out of the repr."""

    servers: tuple[str, ...]
    partitions: int = BROKER_DEFAULT
    replication: int = BROKER_DEFAULT
    properties: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def link(self) -> str:
        """The link's name: the same for every spelling of the URL, and without secrets."""
        return f"kafka://{','.join(sorted(self.servers))}"

    def client_properties(self) -> Properties:
        """Properties of every client."""
        return {
            "client.id": "nova",
            "reconnect.backoff.max.ms": RECONNECT_MAX_MS,
            "log.connection.close": False,
            "message.max.bytes": RECORD_MAX_BYTES,
            **self.properties,
            "bootstrap.servers": ",".join(self.servers),
        }

    def producer_properties(self) -> Properties:
        """A producer that writes to every in-sync replica, exactly once and in order."""
        return {
            "message.timeout.ms": DELIVERY_TIMEOUT_MS,
            "queue.buffering.max.kbytes": PUBLISH_QUEUE_MAX_KBYTES,
            "compression.type": "lz4",
            # Java's key hash, so that an entity has the same partition whichever client writes it.
            "partitioner": "murmur2_random",
            **self.client_properties(),
            "enable.idempotence": True,
            "acks": "all",
        }

    def consumer_properties(self) -> Properties:
        """A consumer with bounded memory that never resets its offsets by itself."""
        return {
            "group.id": "nova",
            "queued.max.messages.kbytes": PREFETCH_MAX_KBYTES,
            "queued.min.messages": PREFETCH_MIN_RECORDS,
            "fetch.message.max.bytes": FETCH_PARTITION_MAX_BYTES,
            "fetch.max.bytes": FETCH_MAX_BYTES,
            "fetch.wait.max.ms": FETCH_WAIT_MS,
            "fetch.queue.backoff.ms": FETCH_QUEUE_BACKOFF_MS,
            # Back-pressure may stop polling for long; there is no group that would notice.
            "max.poll.interval.ms": POLL_INTERVAL_MAX_MS,
            **self.client_properties(),
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": False,
            "auto.offset.reset": "error",
        }

    def redact(self, text: str) -> str:
        """Remove the values of the properties file from a librdkafka text."""
        for value in self.properties.values():
            text = text.replace(f'"{value}"', '"…"')
        return text


def parse_url(url: str) -> KafkaConfig:
    """Parse a URL and the file that it names; raises TransportError with the faulty part."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise TransportError("a kafka URL takes no user or password: put them in ?config=FILE")
    if parts.path not in ("", "/") or parts.fragment:
        raise TransportError(
            f"a kafka URL has no path and no fragment; this one has {parts.path!r}"
        )
    parameters = _parameters(parts.query)
    return KafkaConfig(
        servers=tuple(_parse_server(text) for text in parts.netloc.split(",")),
        partitions=_parse_count(parameters, "partitions", PARTITIONS_MAX),
        replication=_parse_count(parameters, "replication", REPLICATION_MAX),
        properties=_read_properties(Path(parameters["config"])) if "config" in parameters else {},
    )


def _parse_server(text: str) -> str:
    match = _HOST.fullmatch(text)
    if match is None:
        raise TransportError(f"{text!r} in a kafka URL is not host or host:port")
    port = int(match["port"] or PORT_DEFAULT)
    if not 0 < port < 65_536:
        raise TransportError(f"{text!r} in a kafka URL has no port between 1 and 65535")
    return f"{match['host'].lower()}:{port}"


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise TransportError(f"{name!r} is not a parameter of a kafka URL; there are {known}")
        if name in parameters:
            raise TransportError(f"{name!r} is given twice in a kafka URL")
        parameters[name] = value
    return parameters


def _parse_count(parameters: dict[str, str], name: str, highest: int) -> int:
    if name not in parameters:
        return BROKER_DEFAULT
    text = parameters[name]
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not 1 <= int(text) <= highest:
        raise TransportError(f"{name}={text[:32]} in a kafka URL is not between 1 and {highest}")
    return int(text)


def _read_properties(path: Path) -> dict[str, str]:
    try:
        lines = read_regular(path).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TransportError(f"the kafka properties file {path} cannot be read: {error}") from None
    properties: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator or not name.strip():
            # Do not show the line: it may hold a secret.
            raise TransportError(f"{path}, line {number}: not a name=value pair")
        if name.strip() in _RESERVED_PROPERTIES:
            raise TransportError(f"{path}, line {number}: {name.strip()} is set by NOVA")
        properties[name.strip()] = value.strip()
    return properties
