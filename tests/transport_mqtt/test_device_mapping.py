"""Mappings of devices: what one may say, and every fault with its place and rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.sdk.errors import TransportError
from nova.transport_mqtt.device_mapping import TimeMember, read_mapping
from nova.transport_mqtt.transport import MqttTransport

EXAMPLE = Path(__file__).parents[2] / "examples" / "mqtt_devices.toml"
SOUND = {
    "topic": '"home/+/temp"',
    "entity": '"rooms.climate.{1}"',
    "message_type": '"Temperature"',
    "payload": '"number"',
    "field": '"celsius"',
    "time": '"received"',
}


def written(path: Path, *devices: dict[str, str | None], scope: str = '"home"') -> Path:
    """A mapping of devices that differ from a sound one as given; None leaves a member out."""
    lines = [f"scope = {scope}"]
    for device in devices:
        members = {**SOUND, **device}
        lines += [
            "[[device]]",
            *(f"{name} = {text}" for name, text in members.items() if text is not None),
        ]
    path.write_text("\n".join(lines))
    return path


def fault_of(path: Path) -> str:
    """What the reader says of a file."""
    with pytest.raises(TransportError) as raised:
        read_mapping(path)
    return str(raised.value)


def test_the_example_is_a_mapping() -> None:
    """People begin with it."""
    mapping = read_mapping(EXAMPLE)
    assert mapping.scope == "home"
    assert [spec.message_type for spec in mapping.device] == [
        "Temperature",
        "Energy",
        "Power",
        "Climate",
    ]
    assert mapping.device[1].time == TimeMember(member="Time", unit="iso", offset="Z")


@pytest.mark.parametrize(
    ("device", "place", "rule"),
    [
        ({"time": None}, "device 1", "missing required field `time`"),
        ({"time": '"now"'}, "device 1: time", "now"),
        ({"time": '{ member = "t", unit = "min" }'}, "device 1: time.unit", "min"),
        ({"tpye": '"x"'}, "device 1", "unknown field `tpye`"),
        ({"topic": '"a/#/b"'}, "device 1: topic", "has # before its last level"),
        ({"topic": '"a+/b"'}, "device 1: topic", "a wildcard within the level"),
        ({"topic": '"+/temp"', "entity": '"a.b.{1}"'}, "device 1: topic", "NOVA's own events"),
        ({"topic": '"#"', "entity": '"a.b.c"'}, "device 1: topic", "NOVA's own events"),
        ({"entity": '"a.b"'}, "device 1: entity", "is not system.container.unique"),
        ({"entity": '"a.b.{2}"'}, "device 1: entity", "has no + in the topic"),
        ({"entity": '"a.b c.{1}"'}, "device 1: entity", "is not [A-Za-z0-9_-]"),
        ({"names": '{ "x y" = "x y" }'}, "device 1: names.x y", "is not [A-Za-z0-9_-]"),
        ({"message_type": '"a b"'}, "device 1: message_type", "is not [A-Za-z0-9_.:-]"),
        ({"payload": '"xml"'}, "device 1: payload", "xml"),
        ({"field": None}, "device 1: field", "is missing, which names the value of a number"),
        ({"payload": '"json"'}, "device 1: field", "name fields"),
        ({"units": '{ kelvin = "K" }'}, "device 1: units.kelvin", "no field of this name"),
        ({"fields": '{ a = "b" }'}, "device 1: fields", "name one field"),
        ({"time": '{ member = "t", unit = "s" }'}, "device 1: time", "has no members"),
        (
            {
                "payload": '"json"',
                "field": None,
                "time": '{ member = "t", unit = "s", offset = "Z" }',
            },
            "device 1: time.offset",
            "is for texts",
        ),
        (
            {
                "payload": '"json"',
                "field": None,
                "time": '{ member = "t", unit = "iso", offset = "CET" }',
            },
            "device 1: time.offset",
            "is not Z or an offset",
        ),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_fault_names_its_place_and_its_rule(
    tmp_path: Path, device: dict[str, str | None], place: str, rule: str
) -> None:
    """Whoever writes a mapping finds the line."""
    said = fault_of(written(tmp_path / "devices.toml", device))
    assert place in said
    assert rule in said


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    """Nobody mends one after the other."""
    path = written(
        tmp_path / "devices.toml", {"entity": '"a"'}, {"topic": '"x/+/temp"', "field": None}
    )
    said = fault_of(path)
    assert "device 1: entity" in said
    assert "device 2: field" in said


def test_devices_that_a_message_could_be_of_both_are_refused(tmp_path: Path) -> None:
    """The broker might send it twice, and nothing says which of them it is."""
    path = written(tmp_path / "devices.toml", {}, {"topic": '"home/kitchen/+"'})
    assert "device 2: topic: 'home/kitchen/+' and that of device 1 overlap" in fault_of(path)


@pytest.mark.parametrize("scope", ['"a b"', "1"])
def test_a_scope_is_an_id(tmp_path: Path, scope: str) -> None:
    """As everywhere."""
    assert "scope: " in fault_of(written(tmp_path / "devices.toml", {}, scope=scope))


@pytest.mark.parametrize("text", ["", "device = 1", "device = [", "\xff"])
def test_what_is_no_mapping_at_all_says_so(tmp_path: Path, text: str) -> None:
    """Not a stack trace."""
    path = tmp_path / "devices.toml"
    path.write_bytes(text.encode("latin-1"))
    assert str(path) in fault_of(path)


def test_a_transport_with_a_bad_mapping_does_not_start(tmp_path: Path) -> None:
    """Before anything is subscribed to."""
    path = written(tmp_path / "devices.toml", {"time": None})
    with pytest.raises(TransportError, match="device 1"):
        MqttTransport(f"mqtt://localhost?devices={path}")
    with pytest.raises(TransportError, match="cannot be read"):
        MqttTransport(f"mqtt://localhost?devices={tmp_path / 'missing.toml'}")
