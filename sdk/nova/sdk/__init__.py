"""The contract of NOVA, for whoever publishes, reads, or writes a transport or a driver.

The names in `__all__` are the public API. Each is imported when it is first used, so that a
producer loads neither the client nor the drivers.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from nova.sdk.install_command import install_command

if TYPE_CHECKING:
    from nova.sdk import address as address
    from nova.sdk import timestamps as timestamps
    from nova.sdk.blocking.blocking_client import BlockingClient as BlockingClient
    from nova.sdk.blocking.blocking_producer import BlockingProducer as BlockingProducer
    from nova.sdk.blocking.local_columns import columns as columns
    from nova.sdk.client.client import Client as Client
    from nova.sdk.client.client import login as login
    from nova.sdk.client.column_table import ColumnTable as ColumnTable
    from nova.sdk.client.event_table import EventTable as EventTable
    from nova.sdk.drivers.driver import Driver as Driver
    from nova.sdk.drivers.driver import DriverFile as DriverFile
    from nova.sdk.drivers.driver import SealedDriver as SealedDriver
    from nova.sdk.drivers.driver import stem_of as stem_of
    from nova.sdk.drivers.driver_stream import DriverStream as DriverStream
    from nova.sdk.errors import AddressError as AddressError
    from nova.sdk.errors import AuthenticationError as AuthenticationError
    from nova.sdk.errors import AuthorizationError as AuthorizationError
    from nova.sdk.errors import ConnectionLostError as ConnectionLostError
    from nova.sdk.errors import DriverError as DriverError
    from nova.sdk.errors import EnvelopeError as EnvelopeError
    from nova.sdk.errors import NotFoundError as NotFoundError
    from nova.sdk.errors import NotSentError as NotSentError
    from nova.sdk.errors import NovaError as NovaError
    from nova.sdk.errors import ProtocolError as ProtocolError
    from nova.sdk.errors import RateLimitError as RateLimitError
    from nova.sdk.errors import ServiceError as ServiceError
    from nova.sdk.errors import TimestampError as TimestampError
    from nova.sdk.errors import TransportError as TransportError
    from nova.sdk.errors import ValidationError as ValidationError
    from nova.sdk.events.event import Event as Event
    from nova.sdk.events.event import check as check
    from nova.sdk.events.observation import Entity as Entity
    from nova.sdk.events.observation import Observation as Observation
    from nova.sdk.events.observation import record_of as record_of
    from nova.sdk.producer.producer import Producer as Producer
    from nova.sdk.producer.producer import Retry as Retry
    from nova.sdk.protocol.column_messages import Columns as Columns
    from nova.sdk.protocol.message import Filters as Filters
    from nova.sdk.protocol.messages import Query as Query
    from nova.sdk.protocol.messages import StreamChunk as StreamChunk
    from nova.sdk.protocol.submission import SubmitCommand as SubmitCommand
    from nova.sdk.protocol.timeline import StreamGap as StreamGap
    from nova.sdk.transport.base import Batch as Batch
    from nova.sdk.transport.base import Gap as Gap
    from nova.sdk.transport.base import Receipt as Receipt
    from nova.sdk.transport.base import Record as Record
    from nova.sdk.transport.base import Rejection as Rejection
    from nova.sdk.transport.base import Subscription as Subscription
    from nova.sdk.transport.base import Transport as Transport
    from nova.sdk.transport.base import connect as connect
    from nova.sdk.transport.link import LinkHealth as LinkHealth
    from nova.sdk.transport.link import LinkState as LinkState

__all__ = [
    "AddressError",
    "AuthenticationError",
    "AuthorizationError",
    "Batch",
    "BlockingClient",
    "BlockingProducer",
    "Client",
    "ColumnTable",
    "Columns",
    "ConnectionLostError",
    "Driver",
    "DriverError",
    "DriverFile",
    "DriverStream",
    "Entity",
    "EnvelopeError",
    "Event",
    "EventTable",
    "Filters",
    "Gap",
    "LinkHealth",
    "LinkState",
    "NotFoundError",
    "NotSentError",
    "NovaError",
    "Observation",
    "Producer",
    "ProtocolError",
    "Query",
    "RateLimitError",
    "Receipt",
    "Record",
    "Rejection",
    "Retry",
    "SealedDriver",
    "ServiceError",
    "StreamChunk",
    "StreamGap",
    "SubmitCommand",
    "Subscription",
    "TimestampError",
    "Transport",
    "TransportError",
    "ValidationError",
    "address",
    "check",
    "columns",
    "connect",
    "login",
    "record_of",
    "stem_of",
    "timestamps",
]

_HOMES = {
    "blocking.blocking_client": ("BlockingClient",),
    "blocking.blocking_producer": ("BlockingProducer",),
    "blocking.local_columns": ("columns",),
    "client.client": ("Client", "login"),
    "client.column_table": ("ColumnTable",),
    "client.event_table": ("EventTable",),
    "drivers.driver": ("Driver", "DriverFile", "SealedDriver", "stem_of"),
    "drivers.driver_stream": ("DriverStream",),
    "errors": (
        "AddressError",
        "AuthenticationError",
        "AuthorizationError",
        "ConnectionLostError",
        "DriverError",
        "EnvelopeError",
        "NotFoundError",
        "NotSentError",
        "NovaError",
        "ProtocolError",
        "RateLimitError",
        "ServiceError",
        "TimestampError",
        "TransportError",
        "ValidationError",
    ),
    "events.event": ("Event", "check"),
    "events.observation": ("Entity", "Observation", "record_of"),
    "producer.producer": ("Producer", "Retry"),
    "protocol.column_messages": ("Columns",),
    "protocol.message": ("Filters",),
    "protocol.messages": ("Query", "StreamChunk"),
    "protocol.submission": ("SubmitCommand",),
    "protocol.timeline": ("StreamGap",),
    "transport.base": (
        "Batch",
        "Gap",
        "Receipt",
        "Record",
        "Rejection",
        "Subscription",
        "Transport",
        "connect",
    ),
    "transport.link": ("LinkHealth", "LinkState"),
}
"""The module of each public name. It repeats the imports for type checkers, as a test verifies."""

_MODULES = ("address", "timestamps")
_OF_CLIENT = ("BlockingClient", "Client", "columns", "login")
"""Names that need aiohttp, the extra `client`."""
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # a type checker would take every misspelt name for one that exists

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOME_OF:
            raise AttributeError(f"module 'nova.sdk' has no attribute {name!r}")
        try:
            found: object = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        except ModuleNotFoundError as error:
            if error.name != "aiohttp":
                raise
            hint = f"nova.sdk.{name} needs aiohttp: {install_command('nova-sdk', 'client')}"
            raise ImportError(hint, name=error.name) from error
        globals()[name] = found
        return found

    if find_spec("aiohttp") is None:  # `help` and `import *` ask for each name that is listed
        __all__ = [name for name in __all__ if name not in _OF_CLIENT]
        __doc__ += (
            f"\nNot listed here: {', '.join(_OF_CLIENT)}. They need aiohttp, which\n"
            "the extra client of nova-sdk brings.\n"
        )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
