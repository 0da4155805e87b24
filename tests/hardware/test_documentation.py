"""docs/hardware.md: every member is there, and the device in it works as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import msgspec
import pytest

from nova.hardware import hardware_config, host, host_outboxes, packet_device
from nova.hardware.device import PLUGIN_GROUP, Device, Setup
from nova.hardware.line_device import LineOptions
from nova.hardware.packet_device import PacketOptions
from nova.hardware.satellite_device import SimulatorOptions
from nova.hardware.tailed_file import TailedFileOptions
from nova.sdk import plugins
from nova.sdk.events.observation import Entity
from tests.hardware.bench_device import Line, command_record
from tests.hardware.running_host import running

PAGE = (Path(__file__).parents[2] / "docs" / "hardware.md").read_text()
OPTIONS: list[type[msgspec.Struct]] = [
    LineOptions,
    PacketOptions,
    TailedFileOptions,
    SimulatorOptions,
    hardware_config.HardwareConfig,
    hardware_config.DeviceConfig,
]
SAID_OTHERWISE = {"devices", "options"}


@pytest.mark.parametrize("options", OPTIONS, ids=lambda kind: kind.__name__)
def test_every_member_is_documented(options: type[msgspec.Struct]) -> None:
    """What a configuration can say."""
    for member in set(options.__struct_fields__) - SAID_OTHERWISE:
        assert f"`{member}`" in PAGE, member


def test_every_plug_in_and_every_event_of_the_host_is_documented() -> None:
    """What there is to choose from, and what one may find in the archive."""
    for name in plugins.names(PLUGIN_GROUP):
        assert f"**`{name}`**" in PAGE
    for message_type in (host.DEVICE_STATE, host_outboxes.GAP, host.REFUSED, packet_device.DROPPED):
        assert f"`{message_type}`" in PAGE


async def test_the_device_on_the_page_works(tmp_path: Path) -> None:
    """It reads, refuses, obeys, and has no more than 30 lines."""
    match = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert match is not None
    code = match[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    namespace: dict[str, object] = {}
    exec(compile(code, "docs/hardware.md", "exec"), namespace)
    (tmp_path / "sensor").write_text("21500\n")
    make = cast("type[Device]", namespace["Thermometer"])
    setup = Setup("bench", {"path": str(tmp_path / "sensor")}, tmp_path)
    device = make(setup)  # type: ignore[call-arg]  # a protocol has no constructor
    line = Line()
    entity = Entity("lab", "bench", "thermometer")
    async with running(tmp_path / "data", {"bench": device}, line):
        for name, payload in (("c1", {"hz": 0}), ("c2", {"hz": 50})):
            line.dispatch(command_record(name, "rate.set", entity=entity, payload=dict(payload)))
        refused, done = await line.results(2)
        (event, *_) = await line.until("Temperature")
    assert (refused.status, refused.error_message) == ("failure", "hz has to be above 0")
    assert (done.status, done.result) == ("success", {"everyS": 0.02})
    assert getattr(event.envelope, "payload", None) == {"celsius": 21.5}
