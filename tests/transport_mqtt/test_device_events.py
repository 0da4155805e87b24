"""Messages of devices become events by the mapping, or are refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk import timestamps
from nova.sdk.events.event import check
from nova.transport_mqtt.device_events import DeviceEvents, DeviceRefusal
from nova.transport_mqtt.device_mapping import DeviceMapping, DeviceSpec, TimeMember, read_mapping

EXAMPLE = Path(__file__).parents[2] / "examples" / "mqtt_devices.toml"
RECEIVED_NS = timestamps.parse("2026-03-01T00:00:00Z")
NOON = "2026-01-01T12:00:00.000000000Z"
TASMOTA = b'{"Time":"2026-01-01T12:00:00","ENERGY":{"Power":12,"Voltage":231.5},"Wifi":{"RSSI":80}}'
ZIGBEE = b'{"last_seen":1767268800000,"temperature":21.4,"humidity":48.1,"linkquality":120}'


def found(topic: str, payload: bytes) -> list[dict[str, object]] | DeviceRefusal:
    """What the example makes of a message: envelopes, or the reason why there are none."""
    records = DeviceEvents(read_mapping(EXAMPLE)).records(topic, payload, RECEIVED_NS)
    if isinstance(records, DeviceRefusal):
        return records
    for record in records:
        check(record.value)
    return [json.loads(record.value) for record in records]


@pytest.mark.parametrize(
    ("topic", "payload", "entity", "time", "message_type", "fields"),
    [
        (
            "home/kitchen/temp",
            b" 21.50\n",
            ["rooms", "climate", "kitchen"],
            "2026-03-01T00:00:00.000000000Z",
            "Temperature",
            {"celsius": 21.5},
        ),
        (
            "home/living room/temp",
            b"-3",
            ["rooms", "climate", "living_room"],
            "2026-03-01T00:00:00.000000000Z",
            "Temperature",
            {"celsius": -3},
        ),
        (
            "tele/plug1/SENSOR",
            TASMOTA,
            ["tasmota", "plugs", "plug1"],
            NOON,
            "Energy",
            {"power": 12, "voltage": 231.5},
        ),
        (
            "stat/plug1/POWER",
            b"ON",
            ["tasmota", "plugs", "plug1"],
            "2026-03-01T00:00:00.000000000Z",
            "Power",
            {"on": True},
        ),
        (
            "zigbee2mqtt/0x00158d0001",
            ZIGBEE,
            ["zigbee", "sensors", "0x00158d0001"],
            NOON,
            "Climate",
            {"temperature": 21.4, "humidity": 48.1},
        ),
    ],
    ids=["number", "named level", "tasmota", "switch", "zigbee2mqtt"],
)
def test_what_devices_publish_becomes_events(
    topic: str,
    payload: bytes,
    entity: list[str],
    time: str,
    message_type: str,
    fields: dict[str, object],
) -> None:
    """The documented example."""
    events = found(topic, payload)
    assert isinstance(events, list)
    event = events[-1]
    assert [event[name] for name in ("systemId", "containerId", "uniqueId")] == entity
    assert (event["sourceTruthTime"], event["messageType"]) == (time, message_type)
    assert event["payload"] == fields


def test_units_are_published_once_for_an_entity() -> None:
    """As of recordings whose format states them."""
    events = DeviceEvents(read_mapping(EXAMPLE))
    first = events.records("home/a/temp", b"1", RECEIVED_NS)
    second = events.records("home/a/temp", b"2", RECEIVED_NS)
    assert isinstance(first, list) and isinstance(second, list)
    units, _ = (json.loads(record.value) for record in first)
    assert units["messageType"] == "FieldUnits"
    assert units["payload"] == {"messageType": "Temperature", "units": {"celsius": "degC"}}
    assert len(second) == 1


def test_two_messages_of_one_instant_stay_two() -> None:
    """Equal readings at one time would be one event."""
    events = DeviceEvents(read_mapping(EXAMPLE))
    times = set()
    for _ in range(3):
        records = events.records("stat/p/POWER", b"ON", RECEIVED_NS)
        assert isinstance(records, list)
        times.add(json.loads(records[-1].value)["sourceTruthTime"])
    assert len(times) == 3


@pytest.mark.parametrize(
    ("topic", "payload", "refusal"),
    [
        ("home/kitchen/temp", b"warm", ("badValue", "payload", "'warm' is not a number")),
        ("home/kitchen/temp", b"nan", ("badValue", "payload", "'nan' is not a number")),
        ("home/kitchen/temp", b"1e1000", ("badValue", "payload", "'1e1000' is not a number")),
        ("home/kitchen/temp", b"1e399", ("badValue", "payload", "'1e399' is beyond any number")),
        ("home/kitchen/temp", b"", ("badValue", "payload", "'' is not a number")),
        ("home/kitchen/temp", b"\xff", ("malformed", "payload", "is not UTF-8")),
        (
            "home/my room/temp",
            b"1",
            (
                "badValue",
                "topic",
                "'my room' is no unique_id ([A-Za-z0-9_-]{1,64}): give the level "
                "an id in names of the device",
            ),
        ),
        ("tele/p/SENSOR", b"[1]", ("wrongType", "payload", "is JSON, but no object")),
        (
            "tele/p/SENSOR",
            b'{"Time":"2026-01-01T12:00:00"}',
            ("missingMember", "fields", "the payload has none of ENERGY.Power, ENERGY.Voltage"),
        ),
        (
            "tele/p/SENSOR",
            b'{"ENERGY":{"Power":1}}',
            ("missingMember", "Time", "is missing, which holds the time"),
        ),
        (
            "tele/p/SENSOR",
            b'{"Time":5,"ENERGY":{"Power":1}}',
            ("badTime", "Time", "is no text, which an ISO 8601 time is"),
        ),
        (
            "zigbee2mqtt/a",
            b'{"last_seen":true,"temperature":1}',
            ("badTime", "last_seen", "is no number of ms"),
        ),
        ("other/topic", b"1", ("badAddress", "topic", "no device of the mapping has this topic")),
    ],
    ids=lambda part: "" if isinstance(part, bytes | tuple) else part,
)
def test_what_is_no_event_is_refused_with_the_reason(
    topic: str, payload: bytes, refusal: tuple[str, str, str]
) -> None:
    """The reject log says what to mend."""
    assert found(topic, payload) == refusal


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("home/kitchen/temp", b"9007199254740993"),
        ("home/kitchen/temp", b"-9007199254740993"),
        ("home/kitchen/temp", b"9007199254740993.0"),
        ("home/kitchen/temp", b"9.007199254740993e15"),
        ("zigbee2mqtt/a", b'{"last_seen":1767268800000,"temperature":9007199254740993}'),
        ("zigbee2mqtt/a", b'{"last_seen":1767268800000,"temperature":9007199254740993.0}'),
    ],
    ids=["whole", "negative", "point", "exponent", "JSON", "JSON with a point"],
)
def test_a_number_that_would_become_another_is_refused(topic: str, payload: bytes) -> None:
    """Beyond 2^53 only some whole numbers are exact."""
    assert isinstance(found(topic, payload), DeviceRefusal)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"9007199254740991", 9007199254740991),
        (b"9007199254740992", 2.0**53),
        (b"1e22", 1e22),
        (b"0.1", 0.1),
    ],
    ids=["largest safe", "2^53", "exact", "fraction"],
)
def test_numbers_keep_their_value(payload: bytes, value: float) -> None:
    events = found("home/kitchen/temp", payload)
    assert isinstance(events, list)
    assert events[-1]["payload"] == {"celsius": value}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'{"Time":"2026-13-01T12:00:00","ENERGY":{"Power":1}}', "badTime"),
        (b'{"Time":"yesterday","ENERGY":{"Power":1}}', "badTime"),
        (b'{"Time":"2026-01-01T12:00:00","ENERGY":{"Power":1', "malformed"),
        (TASMOTA.replace(b"12,", b"[" * 2_000 + b"]" * 2_000 + b","), ""),
        (b"[" * 100_000, "malformed"),
    ],
    ids=["month", "word", "cut", "deep", "very deep"],
)
def test_whatever_is_in_a_payload_has_a_code(payload: bytes, code: str) -> None:
    """None ends the Core."""
    refusal = found("tele/p/SENSOR", payload)
    assert isinstance(refusal, DeviceRefusal)
    assert refusal.code == (code or refusal.code)


@pytest.mark.parametrize(
    ("unit", "written", "expected"),
    [
        ("s", b"1767268800.125", "2026-01-01T12:00:00.125000000Z"),
        ("ms", b"1767268800125", "2026-01-01T12:00:00.125000000Z"),
        ("us", b"1767268800125001", "2026-01-01T12:00:00.125001000Z"),
        ("ns", b"1767268800125001002", "2026-01-01T12:00:00.125001002Z"),
        ("iso", b'"2026-01-01T13:00:00.5+01:00"', "2026-01-01T12:00:00.500000000Z"),
    ],
)
def test_a_time_has_the_unit_that_is_declared(unit: str, written: bytes, expected: str) -> None:
    """To the nanosecond, also of a fraction."""
    time = msgspec.convert({"member": "t.at", "unit": unit}, TimeMember)
    spec = DeviceSpec(
        topic="d", entity="a.b.c", message_type="M", payload="json", time=time, fields={"v": "v"}
    )
    events = DeviceEvents(DeviceMapping(scope="s", device=[spec]))
    records = events.records("d", b'{"v":1,"t":{"at":%b}}' % written, RECEIVED_NS)
    assert isinstance(records, list)
    assert json.loads(records[0].value)["sourceTruthTime"] == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PAYLOADS = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=50).map(lambda text: text.encode(errors="surrogatepass")),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(["Time", "ENERGY", "last_seen", "temperature", "x"]), JSON).map(
        lambda value: json.dumps(value).encode()
    ),
)
TOPICS = st.one_of(
    st.sampled_from(["home/a/temp", "tele/p/SENSOR", "stat/p/POWER", "zigbee2mqtt/z"]),
    st.text(max_size=30),
    st.text(max_size=10).map(lambda level: f"home/{level}/temp"),
)


@pytest.mark.law
@given(TOPICS, PAYLOADS)
def test_any_message_is_an_event_or_has_a_reason(topic: str, payload: bytes) -> None:
    """Whatever devices publish, nothing is lost in silence, and nothing ends the Core."""
    events = found(topic, payload)
    if isinstance(events, DeviceRefusal):
        assert events.code and events.reason
    else:
        assert events
