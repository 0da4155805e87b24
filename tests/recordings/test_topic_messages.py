"""MCAP files and ROS bags beside rosbags, mcap and protobuf, which wrote them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import Reader as Reader2
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from nova.recordings.format_detection import detect_format
from nova.recordings.mcap_messages import OWN
from nova.recordings.open_recording import open_recording
from nova.recordings.recording import RecordingError, Step
from nova.recordings.recording_options import RecordingOptions
from nova.recordings.topic_messages import (
    NO_HEADER,
    RAW_MAX_BYTES,
    TOO_LARGE,
    UNDATED,
    UNDATED_MAX,
)
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage, RawFrame
from nova.sdk.events.observation import Observer
from tests.recordings.mutation import survive
from tests.recordings.reading import Everything, everything

START_NS = timestamps.parse("2026-03-01T12:00:00Z")
STEP_NS = 100_000_000
OWN_TYPE = "uint32 count\nfloat32[3] load\nstring label\n"
COUNT = 30
FIX = "sensor_msgs/msg/NavSatFix"
FOLDERS = {"robot.mcap": StoragePlugin.MCAP, "robot.db3": StoragePlugin.SQLITE3}


def _messages(store: Any) -> Iterator[tuple[str, int, Any]]:
    """A receiver's fixes with headers half a step before, and messages of a type of one's own."""
    types = store.types
    kind, header, time = (
        types[name]
        for name in (
            "sensor_msgs/msg/NavSatFix",
            "std_msgs/msg/Header",
            "builtin_interfaces/msg/Time",
        )
    )
    status = types["sensor_msgs/msg/NavSatStatus"](status=0, service=1)
    for number in range(COUNT):
        at_ns = START_NS + number * STEP_NS
        stamp = time(*(int(one) for one in divmod(at_ns - STEP_NS // 2, 10**9)))
        more = {"seq": number} if "seq" in header.__dataclass_fields__ else {}
        fix = kind(
            header=header(stamp=stamp, frame_id="gps", **more),
            status=status,
            latitude=52.5 + number * 1e-5,
            longitude=5.25,
            altitude=float(number),
            position_covariance=numpy.zeros(9),
            position_covariance_type=0,
        )
        yield "/robot/fix", at_ns, fix
        load = numpy.array([number, 0.5, -1], dtype=numpy.float32)
        own = types["acme_msgs/msg/Arm"](count=number, load=load, label=f"arm {number}")
        yield "/arm", at_ns, own


def _bag(folder: Path, name: str) -> Path:
    store = get_typestore(Stores.ROS2_HUMBLE)
    store.register(get_types_from_msg(OWN_TYPE, "acme_msgs/msg/Arm"))
    with Writer2(folder / name, version=9, storage_plugin=FOLDERS[name]) as writer:
        connections: dict[str, Any] = {}
        for topic, at_ns, message in _messages(store):
            if topic not in connections:
                kind = message.__msgtype__
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            data = store.serialize_cdr(message, message.__msgtype__)
            writer.write(connections[topic], at_ns, data)
    return next(one for one in (folder / name).iterdir() if one.suffix != ".yaml")


def _bag1(path: Path) -> Path:
    store = get_typestore(Stores.ROS1_NOETIC)
    store.register(get_types_from_msg(OWN_TYPE, "acme_msgs/msg/Arm"))
    with Writer1(path) as writer:
        connections: dict[str, Any] = {}
        for topic, at_ns, message in _messages(store):
            if topic not in connections:
                kind = message.__msgtype__
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            data = store.serialize_ros1(message, message.__msgtype__)
            writer.write(connections[topic], at_ns, data)
    return path


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bags")
    found = {name: _bag(folder, name) for name in FOLDERS}
    return found | {"robot.bag": _bag1(folder / "robot.bag")}


def read(path: Path, **options: str) -> Iterator[Step]:
    given = RecordingOptions(**options)  # type: ignore[arg-type]
    return open_recording(path, Observer("test"), None, given)


def payloads(found: Everything, unique_id: str) -> list[Any]:
    """The parsed payloads of an entity."""
    return [
        one.envelope.payload
        for one in found.events
        if isinstance(one.envelope, ParsedMessage) and one.series.unique_id == unique_id
    ]


@pytest.mark.parametrize("name", [*FOLDERS, "robot.bag"])
def test_messages_are_those_that_were_written(bags: dict[str, Path], name: str) -> None:
    """Values to the bit, times of the recording, a position for the card."""
    found = everything(read(bags[name]))
    assert (found.problems, found.notes) == ([], {})
    assert (found.lanes["raw"], found.lanes["parsed"]) == (2 * COUNT, 2 * COUNT)
    assert found.lanes["ui"] > 0
    parsed = [one for one in found.events if isinstance(one.envelope, ParsedMessage)]
    fixes = [one for one in parsed if one.series.unique_id == "robot-fix"]
    assert [one.source_ns for one in fixes] == [START_NS + n * STEP_NS for n in range(COUNT)]
    payload = payloads(found, "robot-fix")[7]
    assert (payload["latitude"], payload["header"]["frame_id"]) == (52.5 + 7e-5, "gps")
    assert payload["position_covariance"] == [0.0] * 9
    arms = payloads(found, "arm")
    assert arms[3] == {"count": 3, "load": [3.0, 0.5, -1.0], "label": "arm 3"}
    assert fixes[0].series.message_type == "sensor_msgs:msg:NavSatFix"
    assert found.ids == everything(read(bags[name])).ids


def test_bytes_are_those_of_the_library(bags: dict[str, Path]) -> None:
    """Each message's own, in the file's order, from an MCAP that is read without the library."""
    path = bags["robot.mcap"]
    with Reader2(path) as reader:
        expected = [bytes(data) for _, _, data in reader.messages()]
    events = everything(read(path)).events
    frames = [one.envelope.frame for one in events if isinstance(one.envelope, RawFrame)]
    assert sorted(frames) == sorted(expected)


def test_headers_date_messages_if_asked_for(bags: dict[str, Path]) -> None:
    """Their own stamp; a message without one has the time of the recording, with a note."""
    found = everything(read(bags["robot.mcap"], time="header"))
    assert found.notes == {NO_HEADER: COUNT}
    assert min(one.source_ns for one in found.events) == START_NS - STEP_NS // 2
    with pytest.raises(RecordingError, match="log, header"):
        list(read(bags["robot.mcap"], time="gps"))


def foxglove_file(path: Path, start_ns: int = START_NS, profile: str = "") -> Path:
    """JSON, protobuf, and messages of an encoding that nothing here reads."""
    file = descriptor_pb2.FileDescriptorProto(name="pose.proto", package="acme", syntax="proto3")
    pose = file.message_type.add(name="Pose")
    for number, name in enumerate(("x", "y"), 1):
        pose.field.add(name=name, number=number, type=1, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    kind: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("acme.Pose"))
    described = descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()
    with path.open("wb") as stream:
        writer: Any = McapWriter(stream, chunk_size=500)
        writer.start(profile)
        schema = writer.register_schema("acme.Pose", "protobuf", described)
        topics = {
            name: writer.register_channel(f"/{name}", name, schema if name == "protobuf" else 0)
            for name in ("json", "protobuf", "cbor")
        }
        for number in range(10):
            at_ns = start_ns + number
            texts = {"json": json.dumps({"n": number, "deep": {"list": [1, None]}}).encode()}
            texts["protobuf"] = kind(x=number, y=0.5).SerializeToString()
            texts["cbor"] = b"\xa0"
            for name, data in texts.items():
                writer.add_message(topics[name], at_ns, data, at_ns)
        writer.finish()
    return path


def test_json_and_protobuf_are_decoded(tmp_path: Path) -> None:
    """By the schemas in the file, which says what it holds by its first bytes."""
    path = foxglove_file(tmp_path / "log")
    assert detect_format(path) == "mcap"
    found = everything(read(path))
    assert payloads(found, "json")[9] == {"n": 9, "deep": {"list": [1, None]}}
    assert payloads(found, "protobuf")[9] == {"x": 9, "y": 0.5}
    assert found.lanes == {"raw": 30, "parsed": 20}
    assert list(found.notes.values()) == [10]


def test_times_from_zero_need_an_epoch(tmp_path: Path) -> None:
    """Those of a simulation."""
    path = foxglove_file(tmp_path / "log", start_ns=5)
    with pytest.raises(RecordingError, match="--epoch"):
        list(read(path))
    found = everything(read(path, epoch="2026-03-01T12:00:00Z"))
    assert found.events[0].source_ns == START_NS + 5


def json_file(path: Path, times_ns: list[int]) -> Path:
    """The same message at each of these times."""
    with path.open("wb") as stream:
        writer: Any = McapWriter(stream)
        writer.start()
        channel = writer.register_channel("/lamp", "json", 0)
        for at_ns in times_ns:
            writer.add_message(channel, at_ns, b'{"on":true}', at_ns)
        writer.finish()
    return path


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_message_without_a_date_costs_itself(tmp_path: Path, place: int) -> None:
    """Wherever it is: the file has dates, so it does not count from a start."""
    times_ns = [START_NS, START_NS + STEP_NS]
    times_ns.insert(place, 0)
    found = everything(read(json_file(tmp_path / "log.mcap", times_ns)))
    assert found.problems == [f"message {place + 1} of /lamp: its time is 0 ns: {UNDATED}"]
    assert [one.source_ns for one in found.events if one.series.lane == "raw"] == [
        START_NS,
        START_NS + STEP_NS,
    ]


def test_many_messages_without_a_date_are_refused_early(tmp_path: Path) -> None:
    path = json_file(tmp_path / "log.mcap", [*range(UNDATED_MAX), START_NS])
    with pytest.raises(RecordingError, match="of message 1 of /lamp its time is 0 ns"):
        next(read(path))


def test_equal_messages_of_one_time_are_kept_apart(tmp_path: Path) -> None:
    """By a nanosecond each, as rows of tables are; the next has its own time."""
    times_ns = [START_NS, START_NS, START_NS, START_NS + 1, START_NS + STEP_NS]
    found = everything(read(json_file(tmp_path / "log.mcap", times_ns)))
    raw = [one.source_ns - START_NS for one in found.events if one.series.lane == "raw"]
    assert raw == [0, 1, 2, 3, STEP_NS]
    assert len(set(found.ids)) == len(found.ids) == 2 * len(times_ns)


def test_a_recording_of_nova_is_for_import(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=OWN[:20]):
        list(read(foxglove_file(tmp_path / "log", profile="nova")))


def test_a_picture_is_published_without_its_bytes(tmp_path: Path) -> None:
    """It would not fit into an envelope."""
    path = tmp_path / "log.mcap"
    with path.open("wb") as stream:
        writer: Any = McapWriter(stream)
        writer.start()
        channel = writer.register_channel("/camera", "json", 0)
        text = json.dumps({"width": 640, "data": [0] * RAW_MAX_BYTES}).encode()
        writer.add_message(channel, START_NS, text, START_NS)
        writer.finish()
    found = everything(read(path))
    assert (found.lanes, found.notes) == ({"parsed": 1}, {TOO_LARGE: 1})


@pytest.mark.parametrize("name", [*FOLDERS, "robot.bag"])
def test_damaged_bags_end(bags: dict[str, Path], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(bags[name].read_bytes())
    survive(path, read, 40)


def test_damaged_foxglove_files_go_on(tmp_path: Path) -> None:
    """Damage of one chunk costs that one."""
    path = foxglove_file(tmp_path / "log.mcap")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    found = everything(read(path))
    assert found.problems
    assert found.lanes["raw"] > 15
    survive(path, read, 60)


def test_an_older_bag_has_no_definitions(tmp_path: Path) -> None:
    """ROS's own messages are known then; others are raw only, with a note."""
    path = _bag(tmp_path, "robot.db3")
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE message_definitions")
        database.execute("UPDATE schema SET schema_version = 3")
        database.commit()
    found = everything(read(path))
    assert (found.lanes["raw"], found.lanes["parsed"]) == (2 * COUNT, COUNT)
    assert [(note.startswith("raw only"), times) for note, times in found.notes.items()] == [
        (True, COUNT)
    ]


@pytest.mark.parametrize("name", ["robot.bag", "robot.db3"])
def test_what_is_no_bag_is_one_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("text")
    with pytest.raises(RecordingError, match="begins neither as a bag of ROS 1"):
        list(read(tmp_path / name))
