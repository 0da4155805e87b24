"""Running the satellite: its past in a moment, then its present as time goes by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sdk.event import Event
from sdk.producer import Producer
from sdk.simulator import telemetry
from sdk.simulator.clock import Clock, WallClock
from sdk.simulator.mode import Mode
from sdk.simulator.satellite import Satellite
from sdk.simulator.screen import Screen
from sdk.timestamps import NS_PER_SECOND
from sdk.transport.base import Transport

RATE_HZ = 1.0
RATE_MAX_HZ = 1000.0
HISTORY_STEP_S = 5
HISTORY_BATCH_TICKS = 20


class _Voice:
    """Turns ticks into events, and remembers the mode of the one before."""

    def __init__(self, producer: Producer, satellite: Satellite) -> None:
        self._producer = producer
        self._satellite = satellite
        self._mode: Mode | None = None
        self._screen = Screen()

    def describe(self, at_ns: int) -> list[Event]:
        return list(telemetry.descriptors(self._producer.observer, at_ns))

    def say(self, ticks_ns: Iterable[int]) -> Iterator[Event]:
        for at_ns in ticks_ns:
            state = self._satellite.at(at_ns)
            yield from telemetry.events(self._producer.observer, state, self._mode, self._screen)
            self._mode = state.mode


async def run(
    transport: Transport,
    scope_id: str,
    *,
    rate_hz: float = RATE_HZ,
    seed: int = 1,
    history_s: int = 0,
    clock: Clock | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Publish for ever, about eighteen events a tick; `on_ready` is called once history is there.

    Ticks lie on whole multiples of the period, and a state depends on seed and time alone: after a
    restart the history that was published before is published again as the same events.
    """
    clock = clock or WallClock()
    producer = Producer(transport, scope_id)
    voice = _Voice(producer, Satellite(seed))
    period_ns = round(NS_PER_SECOND / min(rate_hz, RATE_MAX_HZ))
    next_ns = (clock.now_ns() // period_ns + 1) * period_ns
    past = _history(next_ns, history_s)
    await producer.send(voice.describe((past[0] if past else next_ns) - 1))
    for start in range(0, len(past), HISTORY_BATCH_TICKS):
        await producer.send(voice.say(past[start : start + HISTORY_BATCH_TICKS]))
    on_ready()
    while True:
        await clock.sleep_until(next_ns)
        await producer.send(voice.say([next_ns]))
        # What a stalled transport made it miss is missed: the satellite lives in the present.
        next_ns = max(next_ns + period_ns, clock.now_ns() // period_ns * period_ns)


def _history(before_ns: int, history_s: int) -> range:
    """The ticks of the past, on whole multiples of the history's step."""
    step_ns = HISTORY_STEP_S * NS_PER_SECOND
    first = -(-(before_ns - history_s * NS_PER_SECOND) // step_ns)
    return range(first * step_ns, before_ns, step_ns)
