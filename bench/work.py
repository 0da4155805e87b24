"""The work: mixed lanes of telemetry as a ground station receives them, the same for the same seed.

Event number k is a function of seed and k alone, so that a run can continue where another ended. Of
every hundred events 70 are parsed, 20 raw, 8 ui, one is of a command and one is metadata. They are
of 200 entities, of which the busiest has a sixth of all. Source time runs at a hundred events a
second; one event in twenty is late, by up to an hour, and every second one carries the time of its
tenth of a second, which it shares with others. Three copies arrive with each hundred events.
"""

from __future__ import annotations

from base64 import b64encode
from bisect import bisect
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, islice
from typing import NamedTuple

from bench import payloads
from bench.payloads import POOL
from nova.sdk import timestamps
from nova.sdk.address import entity
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record

START_NS = timestamps.parse("2026-01-01T00:00:00Z")
HUNDRED = 100
RATE_HZ = 100
ENTITIES = 200
MESSAGES_PER_ENTITY = 3
PARSED_BELOW, RAW_BELOW, UI_BELOW, COMMAND_BELOW = 70, 90, 98, 99
LATE_SHARE = 0.05
LATE_MAX_MS = 3_600 * 1_000
NS_PER_MS, NS_PER_US = 1_000_000, 1_000
JITTER_MAX_US = 10_000
TICK_NS = NS_PER_SECOND // 10
COPIES_AFTER = (33, 66, 99)
SOON_EVENTS, LATER_EVENTS = 50, 100_000
COMMAND_STEPS = 3
STEPS = (3, 7, 9, 11, 13, 17, 19, 21)
"""Numbers without a divisor in common with a hundred: ways to go once through all its places."""

_MASK = 2**64 - 1
_SLOTS = 4_096
CONTAINERS = ("eps", "aocs", "thermal", "comms", "obc", "payload", "gps", "wheels")


class Work(NamedTuple):
    """How many events, of which scope and seed; `late` is a share of them, `ui_only` leaves the
    other lanes out, for what may not carry them.
    """

    events: int
    scope: str = "bench"
    seed: int = 1
    late: float = LATE_SHARE
    ui_only: bool = False

    def records(self) -> list[Record]:
        """Every event once, in the order of arrival."""
        return list(map(self.maker().record, range(self.events)))

    def arrivals(self, first_event: int = 0) -> Iterator[Record]:
        """Events in the order of arrival, and copies of some, from the hundred of an event on."""
        maker = self.maker()
        for number in range(first_event // HUNDRED * HUNDRED, self.events):
            yield maker.record(number)
            if number % HUNDRED in COPIES_AFTER:
                yield maker.record(maker.copied(number))

    def batches(self, size: int, first_event: int = 0) -> Iterator[list[Record]]:
        """The same, in batches."""
        arrivals = self.arrivals(first_event)
        while part := list(islice(arrivals, size)):
            yield part

    def last_ns(self) -> int:
        """The end of source time."""
        return START_NS + (self.events - 1) * (NS_PER_SECOND // RATE_HZ)

    def maker(self) -> Maker:
        """What makes its events."""
        return _maker(self.scope, self.seed, self.late, self.ui_only)


class WorkSeries(NamedTuple):
    """The common parts of a series' events: their address, and the text around their times."""

    address: str
    head: bytes
    middle: bytes
    halves: payloads.Halves


def unit(number: int) -> tuple[str, str, str]:
    """The systemId, containerId and uniqueId of an entity; the busiest has the number 0."""
    container = CONTAINERS[number % len(CONTAINERS)]
    return f"sat-{number % 4 + 1}", container, f"{container}-{number:03d}"


def messages_of(number: int) -> list[str]:
    """The message types that an entity sends."""
    names = list(payloads.MESSAGES)
    return [names[(number + step) % len(names)] for step in range(MESSAGES_PER_ENTITY)]


class Maker:
    """Makes single events of a scope, each from its number alone."""

    def __init__(self, scope: str, seed: int, late: float, ui_only: bool) -> None:
        self._scope = scope
        self._salt = _mixed(seed)
        self._late_below = int(late * 1_000)
        self._ui_only = ui_only
        self._frames = payloads.frames(seed)
        self._entities = _skewed()
        pools = payloads.pools(seed)
        self._parsed = [
            self._of_parsed(number, name, pools[name])
            for number in range(ENTITIES)
            for name in messages_of(number)
        ]
        self._raw = [self._of_raw(number) for number in range(ENTITIES)]
        self._ui = [self._of_ui(number, pools) for number in range(ENTITIES)]

    def record(self, number: int) -> Record:
        """The event of a number, as it arrives."""
        chance = _mixed(number ^ self._salt)
        hundred, place = divmod(number, HUNDRED)
        shuffle = _mixed(hundred + self._salt)
        slot = (place * STEPS[shuffle & 7] + (shuffle >> 3)) % HUNDRED
        time = self._time(number, chance)
        if self._ui_only:
            slot = RAW_BELOW
        if slot < PARSED_BELOW:
            kind = (chance >> 20) % MESSAGES_PER_ENTITY
            series = self._parsed[self._entities[chance % _SLOTS] * MESSAGES_PER_ENTITY + kind]
        elif slot < RAW_BELOW:
            return self._raw_record(number, chance, time)
        elif slot < UI_BELOW:
            series = self._ui[self._entities[chance % _SLOTS]]
        elif slot < COMMAND_BELOW:
            return self._command(hundred, time)
        else:
            return self._metadata(hundred, chance, time)
        return self._message(series, number, chance, time)

    def copied(self, number: int) -> int:
        """Which event arrives once more just after another: mostly one of late, or long ago."""
        chance = _mixed(number - self._salt)
        soon = number % HUNDRED != COPIES_AFTER[-1]
        return max(0, number - chance % (SOON_EVENTS if soon else LATER_EVENTS))

    def ui_record(self, number: int, at_ns: int) -> Record:
        """A ui event of a time of its own; its `data.count` is the number."""
        chance = _mixed(number ^ self._salt)
        series = self._ui[self._entities[chance % _SLOTS]]
        return self._message(series, number, chance, _time_text(at_ns))

    def _time(self, number: int, chance: int) -> bytes:
        at_ns = START_NS + number * (NS_PER_SECOND // RATE_HZ)
        if chance & (1 << 30):
            at_ns -= at_ns % TICK_NS
        else:
            at_ns += (chance >> 32) % JITTER_MAX_US * NS_PER_US
        if (chance >> 48) % 1_000 < self._late_below:
            at_ns -= (chance >> 31) % LATE_MAX_MS * NS_PER_MS
        return _time_text(at_ns)

    def _message(self, series: WorkSeries, number: int, chance: int, time: bytes) -> Record:
        left = series.halves.left[(chance >> 36) % POOL]
        right = series.halves.right[(chance >> 12) % POOL]
        value = b'%b%b%b%b,%b,"count":%d}}' % (
            *(series.head, time, series.middle),
            *(left, right, number),
        )
        return Record(series.address, value)

    def _raw_record(self, number: int, chance: int, time: bytes) -> Record:
        series = self._raw[self._entities[chance % _SLOTS]]
        left = series.halves.left[(chance >> 36) % POOL]
        right = series.halves.right[(chance >> 12) % POOL]
        counter = b64encode(number.to_bytes(6, "big"))
        value = b'%b%b%b%b%b%b","sequence":%d}' % (
            *(series.head, time, series.middle),
            *(counter, left, right, number),
        )
        return Record(series.address, value)

    def _command(self, hundred: int, time: bytes) -> Record:
        """The request, the progress and the result of a command, one in each hundred events."""
        command, step = divmod(hundred, COMMAND_STEPS)
        number = self._entities[_mixed(command) % _SLOTS]
        name, request = f"command-{command}", f"request-{command}"
        target = unit(number)[2]
        body = {
            0: f'"CommandRequest","commandId":"{name}","requestId":"{request}",'
            f'"targetId":"{target}","commandType":"setHeater","timelineMode":"LIVE",'
            f'"payload":{{"zone":{command % 8},"on":true,"setpoint":21.5,"durationS":600}}}}',
            1: f'"CommandProgress","commandId":"{name}","targetId":"{target}",'
            f'"commandType":"setHeater","progressPercent":{command % 101},"message":"warming up"}}',
            2: f'"CommandResult","commandId":"{name}","targetId":"{target}",'
            '"commandType":"setHeater","status":"success","result":{"temperature":21.5}}',
        }[step]
        message_type = body[1 : body.index('"', 1)]
        subject = f"{name}:{message_type}" if step else request
        value = b'%b%b","messageType":%b' % (self._head("command", number), time, body.encode())
        return Record(f"nova.{self._scope}.command.{subject}.v1", value)

    def _metadata(self, hundred: int, chance: int, time: bytes) -> Record:
        number = self._entities[chance % _SLOTS]
        if hundred % 4:
            body = b'"ModeChanged","payload":{"from":"NOMINAL","to":"SAFE","number":%d}}' % hundred
        else:
            body = (
                b'"ProducerDescriptor","capabilities":["command:setHeater","stream:telemetry"],'
                b'"schemaVersion":"1.%d","effectiveTime":"%b"}' % (hundred, time)
            )
        value = b'%b%b","messageType":%b' % (self._head("metadata", number), time, body)
        return Record(self._address("metadata", number), value)

    def _address(self, lane: str, number: int) -> str:
        return str(entity(self._scope, lane, *unit(number)))

    def _head(self, lane: str, number: int) -> bytes:
        system, container, unique = unit(number)
        return (
            f'{{"scopeId":"{self._scope}","lane":"{lane}","systemId":"{system}",'
            f'"containerId":"{container}","uniqueId":"{unique}","sourceTruthTime":"'
        ).encode()

    def _of_parsed(self, number: int, name: str, halves: payloads.Halves) -> WorkSeries:
        middle = f'","messageType":"{name}","schemaVersion":"1.2","payload":{{'.encode()
        head = self._head("parsed", number)
        return WorkSeries(self._address("parsed", number), head, middle, halves)

    def _of_raw(self, number: int) -> WorkSeries:
        head = self._head("raw", number)
        return WorkSeries(self._address("raw", number), head, b'","bytes":"', self._frames)

    def _of_ui(self, number: int, pools: dict[str, payloads.Halves]) -> WorkSeries:
        name = messages_of(number)[0]
        view = f'"viewId":"telemetry.{name}","manifestId":"{name}","manifestVersion":"1.0.0"'
        middle = f'","messageType":"UiUpdate",{view},"data":{{'.encode()
        return WorkSeries(
            self._address("ui", number), self._head("ui", number), middle, pools[name]
        )


@lru_cache(maxsize=8)
def _maker(scope: str, seed: int, late: float, ui_only: bool) -> Maker:
    return Maker(scope, seed, late, ui_only)


@lru_cache(maxsize=8_192)
def _second_text(second: int) -> bytes:
    return timestamps.text(second * NS_PER_SECOND)[:19].encode()


def _time_text(at_ns: int) -> bytes:
    second, fraction = divmod(at_ns, NS_PER_SECOND)
    return b"%b.%09dZ" % (_second_text(second), fraction)


def _mixed(number: int) -> int:
    """64 pseudo-random bits, the same for the same number."""
    number = (number + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ number >> 31) * 0x94D049BB133111EB & _MASK
    return number ^ number >> 30


def _skewed() -> list[int]:
    """Entity numbers in as many slots as their share: the n-th has one n-th of the first's."""
    weights = list(accumulate(1 / rank for rank in range(1, ENTITIES + 1)))
    return [bisect(weights, (slot + 0.5) / _SLOTS * weights[-1]) for slot in range(_SLOTS)]
