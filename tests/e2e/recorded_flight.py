"""Ten minutes of one unit for browser tests, and the events that are added to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nova.sdk import timestamps
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import connect

SCOPE = "sat"
EPS = Entity("bus", "power", "eps")
START_NS = timestamps.parse("2026-01-01T00:00:00Z")
SECONDS = 600
QUIET = range(360, 480)
"""Seconds in which nothing happens."""


def second(count: float) -> int:
    """A time of the recording."""
    return START_NS + round(count * NS_PER_SECOND)


async def publish(url: str, make: Callable[[Producer], Iterable[Event]]) -> None:
    """Publish what a producer of the scope makes."""
    transport = connect(url)
    producer = Producer(transport, SCOPE)
    await producer.send(make(producer))
    await transport.close()


async def publish_history(url: str) -> None:
    """Ten minutes of the unit, once a second, with two minutes of silence."""
    await publish(url, _history)


def _history(producer: Producer) -> Iterable[Event]:
    for count in range(SECONDS):
        if count in QUIET:
            continue
        observed = producer.observe(EPS, second(count))
        yield observed.raw(count.to_bytes(4, "big"))
        yield observed.ui("battery", "battery", "1", {"count": count, "volts": 7.5})


async def publish_now(url: str, count: int) -> None:
    """One event of the present."""
    await publish(url, lambda producer: [update(producer, count)])


def update(producer: Producer, count: int, at_ns: int | None = None) -> Event:
    """The unit's view at a time, now if none is given."""
    return producer.observe(EPS, at_ns).ui("battery", "battery", "1", {"count": count})
