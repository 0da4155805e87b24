"""`type = "simulator"`: the simulated satellite as a device that executes commands.

Its telemetry is a function of seed, time and orders. It starts with past readings, on whole
multiples of the period, so that a restarted one repeats events that are already stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from nova.hardware.confirmation import check_arguments
from nova.hardware.device import (
    Command,
    CommandRefusedError,
    Metadata,
    Output,
    Parsed,
    Progress,
    Raw,
    Reading,
    Setup,
    Target,
    Ui,
)
from nova.hardware.simulator import pointing, telemetry
from nova.hardware.simulator.attitude import SLEW_LASTS_S
from nova.hardware.simulator.clock import Clock, WallClock
from nova.hardware.simulator.mode import Mode
from nova.hardware.simulator.orders import IMAGE_S, Order, OrderKind, Orders
from nova.hardware.simulator.satellite import Satellite, SatelliteState
from nova.hardware.simulator.screen import ViewRateLimit
from nova.recordings.frame_layout import FRAME_LAYOUT, frame_layout
from nova.sdk import timestamps
from nova.sdk.field_types import JsonObject
from nova.sdk.timestamps import NS_PER_SECOND

HISTORY_STEP_S = 5
SLEW_REPORTS = 8
CONNECTION_ID = "s-band"
LAYOUT_PERIOD_NS = 600 * NS_PER_SECOND
"""The layouts of the frames are published at multiples of this, so that a restart repeats them."""


class SimulatorOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The options of this device type."""

    seed: int = 1
    rate_hz: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    history_s: Annotated[int, Meta(ge=0, le=7200)] = 600
    settle_s: Annotated[float, Meta(ge=0, le=60)] = 1.0


class _NoArguments(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _HeaterArguments(msgspec.Struct, forbid_unknown_fields=True):
    on: bool


class _ModeArguments(msgspec.Struct, forbid_unknown_fields=True):
    mode: Mode


class _PointArguments(msgspec.Struct, forbid_unknown_fields=True):
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class _CaptureArguments(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    exposure_ms: Annotated[float, Meta(ge=0.1, le=1000)] = 10.0


ARGUMENTS: dict[str, type[msgspec.Struct]] = {
    "heater.set": _HeaterArguments,
    "mode.set": _ModeArguments,
    "attitude.point": _PointArguments,
    "camera.capture": _CaptureArguments,
}
"""The arguments of each command that has any."""

_Arguments = TypeVar("_Arguments", bound=msgspec.Struct)
_Executor = Callable[[JsonObject, Progress], Awaitable[JsonObject]]


class SimulatedSatellite:
    """Telemetry in real time, and commands that affect it."""

    def __init__(self, setup: Setup, clock: Clock | None = None) -> None:
        options = setup.options_as(SimulatorOptions)
        self._clock = clock or WallClock()
        self._settle_ns = round(options.settle_s * NS_PER_SECOND)
        self._orders = Orders(setup.folder / "orders.jsonl")
        self._satellite = Satellite(options.seed, orders=self._orders)
        self._period_ns = round(NS_PER_SECOND / options.rate_hz)
        self._next_ns = (self._clock.now_ns() // self._period_ns + 1) * self._period_ns
        self._past = _past_ticks(self._next_ns, options.history_s)
        self._begins_ns = (self._past[0] if self._past else self._next_ns) - 1
        self._mode: Mode | None = None
        self._screen = ViewRateLimit()
        self._commands: dict[str, _Executor] = {
            "heater.set": self._set_heater,
            "heater.auto": self._release_heater,
            "mode.set": self._set_mode,
            "mode.auto": self._release_mode,
            "attitude.point": self._point,
            "attitude.nadir": self._nadir,
            "camera.capture": self._capture,
        }

    def targets(self) -> Sequence[Target]:
        """Its units; their descriptors take effect just before their first telemetry."""
        return [
            Target(entity, capabilities, telemetry.SCHEMA_VERSION, self._begins_ns)
            for entity, capabilities in telemetry.CAPABILITIES.items()
        ]

    async def open(self) -> None:
        """Do nothing: a simulator has no connection."""

    async def read(self) -> Sequence[Reading]:
        """The past at once, then each tick when it is due."""
        if self._past:
            past, self._past = self._past, range(0)
            return await asyncio.to_thread(self._readings_at, past)
        await self._clock.sleep_until(self._next_ns)
        at_ns, now_ns = self._next_ns, self._clock.now_ns()
        # Ticks that a stalled machine missed are skipped: the satellite reports the present.
        self._next_ns = max(at_ns + self._period_ns, now_ns // self._period_ns * self._period_ns)
        return self._readings_at([at_ns])

    def _readings_at(self, ticks_ns: Iterable[int]) -> list[Reading]:
        readings = []
        for at_ns in ticks_ns:
            state = self._satellite.at(at_ns)
            readings += [self._reading(report, state) for report in telemetry.reports(state)]
            self._mode = state.mode
        return readings

    def _reading(self, report: telemetry.UnitReport, state: SatelliteState) -> Reading:
        packet, sequence = report.packet(state.at_ns)
        payload = dict(report.payload)
        outputs: list[Output] = [
            Raw(packet, CONNECTION_ID, sequence),
            Parsed(report.message_type, payload, telemetry.SCHEMA_VERSION),
        ]
        if state.at_ns % LAYOUT_PERIOD_NS == 0:
            layout = frame_layout(report.message_type, report.places())
            outputs.append(Metadata(FRAME_LAYOUT, layout))
        if self._screen.is_due(report.entity, state.at_ns):
            name = report.entity.unique_id
            outputs.append(Ui(report.view_id, name, telemetry.MANIFEST_VERSION, payload))
        if report.entity == telemetry.COMPUTER:
            change = telemetry.mode_change(state, self._mode)
            if change is not None:
                outputs.append(Metadata("ModeChanged", change, timestamps.text(state.at_ns)))
        return Reading(report.entity, outputs, state.at_ns)

    # --- commands ---------------------------------------------------------------------------------

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Execute a command; telemetry shows its effect."""
        do = self._commands.get(command.command_type)
        if do is None:
            raise CommandRefusedError(f"the satellite has no command {command.command_type!r}")
        takes = ARGUMENTS.get(command.command_type, _NoArguments).__struct_encode_fields__
        check_arguments(command.command_type, command.payload, takes)
        return await do(command.payload, progress)

    async def _set_heater(self, payload: JsonObject, progress: Progress) -> JsonObject:
        return await self._heat(int(_arguments(payload, _HeaterArguments).on), progress)

    async def _release_heater(self, payload: JsonObject, progress: Progress) -> JsonObject:
        _arguments(payload, _NoArguments)
        return await self._heat(None, progress)

    async def _heat(self, on: int | None, progress: Progress) -> JsonObject:
        self._order("heater", on)
        await progress(50, "relay switched")
        state = await self._settled()
        return {"heaterOn": state.heater, "load": state.power.load_w}

    async def _set_mode(self, payload: JsonObject, progress: Progress) -> JsonObject:
        return await self._change_mode(_arguments(payload, _ModeArguments).mode, progress)

    async def _release_mode(self, payload: JsonObject, progress: Progress) -> JsonObject:
        _arguments(payload, _NoArguments)
        return await self._change_mode(None, progress)

    async def _change_mode(self, mode: Mode | None, progress: Progress) -> JsonObject:
        self._order("mode", mode)
        await progress(50, "sequence loaded")
        return {"mode": (await self._settled()).mode}

    async def _point(self, payload: JsonObject, progress: Progress) -> JsonObject:
        wanted = _arguments(payload, _PointArguments)
        now_ns = self._clock.now_ns()
        here, soon = (self._satellite.at(at).place for at in (now_ns, now_ns + NS_PER_SECOND))
        roll_deg = pointing.roll_towards(here, soon, wanted.latitude, wanted.longitude)
        self._order("roll", roll_deg)
        return await self._slew(progress)

    async def _nadir(self, payload: JsonObject, progress: Progress) -> JsonObject:
        _arguments(payload, _NoArguments)
        self._order("roll", None)
        return await self._slew(progress)

    async def _slew(self, progress: Progress) -> JsonObject:
        begin_ns = self._clock.now_ns()
        for part in range(1, SLEW_REPORTS + 1):
            at_ns = begin_ns + round(SLEW_LASTS_S * part / SLEW_REPORTS * NS_PER_SECOND)
            await self._clock.sleep_until(at_ns)
            if part < SLEW_REPORTS:
                await progress(100 * part / SLEW_REPORTS, "slewing")
        attitude = self._satellite.at(self._clock.now_ns()).attitude
        return {"roll": round(attitude.roll_deg, 3)}

    async def _capture(self, payload: JsonObject, progress: Progress) -> JsonObject:
        exposure_ms = _arguments(payload, _CaptureArguments).exposure_ms
        begin_ns = self._order("capture", 1)
        await progress(50, "exposed, reading out")
        await self._clock.sleep_until(begin_ns + round(IMAGE_S * NS_PER_SECOND))
        images = self._orders.camera_at(self._clock.now_ns()).images
        return {"images": images, "exposureMs": exposure_ms}

    def _order(self, kind: OrderKind, value: Mode | float | int | None) -> int:
        now_ns = self._clock.now_ns()
        self._orders.add(Order(now_ns, kind, value))
        return now_ns

    async def _settled(self) -> SatelliteState:
        """The state after an order has taken effect."""
        await self._clock.sleep_until(self._clock.now_ns() + self._settle_ns)
        return self._satellite.at(self._clock.now_ns())

    async def close(self) -> None:
        """Do nothing: a simulator holds no resources."""


def _arguments(payload: JsonObject, kind: type[_Arguments]) -> _Arguments:
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise CommandRefusedError(f"payload: {error}") from None


def _past_ticks(before_ns: int, history_s: int) -> range:
    """The ticks of the past, on whole multiples of the history's step."""
    step_ns = HISTORY_STEP_S * NS_PER_SECOND
    first = -(-(before_ns - history_s * NS_PER_SECOND) // step_ns)
    return range(first * step_ns, before_ns, step_ns)
