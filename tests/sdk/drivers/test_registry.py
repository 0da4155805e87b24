"""The registry finds drivers, and always selects the same one (A-197, A-198, A-200, AMB-41)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nova.sdk.drivers.driver import Driver, DriverFile
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.errors import DriverError

POSITION = DriverStream("sat", "s", "c", "u", "parsed", "Position", "2")
RAW = DriverStream("sat", "s", "c", "u", "raw", "raw")
SHIPPED = ["csv", "jsonl", "mcap", "parquet", "positionCsv", "rawBinary"]


class Hex(Driver):
    """What docs/drivers.md shows."""

    driver_id = "hex"
    lanes = frozenset({"raw", "parsed"})

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """One file."""
        return ("raw.hex",)

    def write(self, events: Sequence[bytes], file: DriverFile) -> Sequence[bytes]:
        """A line an event."""
        return (b"".join(event.hex().encode() + b"\n" for event in events),)


class Hex2(Hex):
    """Another version of it."""

    version = "2.0.0"
    schema_versions = frozenset({"2"})


class Hex10(Hex):
    """A version that sorts behind 2 as a number, and not as a text."""

    version = "10.0.0"
    capabilities = frozenset({"rare"})


def test_the_shipped_drivers_are_found() -> None:
    """By their entry points, whatever is preferred."""
    registry = DriverRegistry.load()
    assert registry.names() == [f"{name}@1.0.0" for name in SHIPPED]


def test_preference_then_newest_that_takes_it() -> None:
    """The order of installation does not matter."""
    drivers = [Hex10(), Hex(), Hex2()]
    for order in (drivers, drivers[::-1]):
        registry = DriverRegistry(order, ["hex"])
        assert registry.select(POSITION).version == "2.0.0"
        assert registry.select(POSITION, frozenset({"rare"})).version == "10.0.0"
        assert registry.select(RAW).version == "1.0.0"
        assert DriverRegistry(order, ["hex@1.0.0"]).select(POSITION).version == "1.0.0"
    assert DriverRegistry.load(["rawBinary", "positionCsv", "jsonl"]).select(RAW).name == (
        "rawBinary@1.0.0"
    )


def test_a_descriptor_may_ask_for_a_driver() -> None:
    """What is not installed, or does not take the stream, is passed over."""
    registry = DriverRegistry.load(["jsonl"])
    wish = frozenset({"driver:mcap", "driver:nothing"})
    assert registry.select(POSITION, wish).name == "mcap@1.0.0"
    assert registry.select(RAW, frozenset({"driver:parquet@1.0.0"})).name == "jsonl@1.0.0"


def test_bindings_are_written_by_jsonl_whatever_is_preferred() -> None:
    """They have no bindings of their own."""
    stream = DriverStream("sat", "s", "c", "u", "metadata", "DriverBinding")
    assert DriverRegistry.load(["mcap"]).select(stream).name == "jsonl@1.0.0"


def test_what_is_not_there_is_said() -> None:
    """Each error names what was wanted and what there is."""
    with pytest.raises(DriverError, match=r"driver nope is not installed; installed: csv@1"):
        DriverRegistry.load(["nope"])
    with pytest.raises(DriverError, match=r"driver jsonl@9\.0\.0 is not installed"):
        DriverRegistry.load().get("jsonl", "9.0.0")
    with pytest.raises(DriverError, match=r"no driver for sat\|s\|c\|u raw raw: none of csv"):
        DriverRegistry.load(["csv"]).select(RAW)
    with pytest.raises(DriverError, match=r"hex@1\.0\.0 is defined twice: by .*Hex and .*Hex"):
        DriverRegistry([Hex(), Hex()])
    missing = {"parquet": "it needs pyarrow: pip install 'nova-truth[parquet]'"}
    with pytest.raises(DriverError, match=r"parquet cannot be used: it needs pyarrow: pip"):
        DriverRegistry([Hex()], ["parquet"], missing)


@pytest.mark.parametrize(("name", "version"), [("a/b", "1.0.0"), ("a", "1"), ("", "1.0.0")])
def test_ids_and_versions_have_a_form(name: str, version: str) -> None:
    """They stand in bindings and in the names of files."""

    class Odd(Hex):
        """One that does not."""

    Odd.driver_id, Odd.version = name, version
    with pytest.raises(DriverError):
        DriverRegistry([Odd()])
