"""The driver that docs/drivers.md shows works, and has 30 lines."""

from __future__ import annotations

import re
from pathlib import Path

from nova.sdk.drivers.driver import Driver, DriverFile
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.drivers.registry import DriverRegistry

PAGE = Path(__file__).parents[3] / "docs" / "drivers.md"
STREAM = DriverStream("sat", "s", "c", "u", "parsed", "Battery", "1")
EVENT = (
    b'{"sourceTruthTime":"2026-01-01T00:00:00Z","payload":{"voltage":7.5,"current":-1},'
    b'"canonicalTruthTime":"2026-01-01T00:00:00.000000001Z"}'
)


def test_the_example_is_a_driver() -> None:
    """It is taken before others for its type, and for no other; its header comes once."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    assert len(found[1].splitlines()) <= 30
    made: dict[str, type[Driver]] = {}
    exec(found[1], made)
    driver = made["Battery"]()
    registry = DriverRegistry([driver], ["battery"])
    assert registry.select(STREAM) is driver
    assert not driver.takes(STREAM._replace(stream_type="Other"))
    assert driver.parts(STREAM) == ("parsed.Battery.battery.csv",)
    (first,) = driver.write([EVENT], DriverFile(sizes=[0]))
    (second,) = driver.write([EVENT], DriverFile(events=1, sizes=[len(first)]))
    assert first + second == (
        b"time,voltage,current\n2026-01-01T00:00:00Z,7.5,-1\n2026-01-01T00:00:00Z,7.5,-1\n"
    )
