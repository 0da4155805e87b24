"""ROS bags: rosbag2's SQLite files (`.db3`) and the bags of ROS 1 (`.bag`), which rosbags reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

from nova.recordings.message_schema import ROS1, ROS2
from nova.recordings.recorded_message import MessageEvents
from nova.recordings.recording import RecordingError, Step
from nova.recordings.topic_messages import Topic, TopicEvents, TopicMessage
from nova.sdk.events.observation import Observer
from nova.sdk.optional_imports import import_optional
from nova.sdk.producer.view_updates import ViewUpdates

SYSTEM_ID = "ros"
ROS1_MAGIC = b"#ROSBAG V2.0"
SQLITE_MAGIC = b"SQLite format 3\0"
NO_BAG = "begins neither as a bag of ROS 1 (#ROSBAG V2.0) nor as one of rosbag2 (SQLite)"


class _Definition(Protocol):
    data: str


class _Connection(Protocol):
    id: int
    topic: str
    msgtype: str
    msgdef: _Definition


class _Bag(Protocol):
    def open(self) -> None: ...
    def close(self) -> None: ...
    def messages(self) -> Iterator[tuple[_Connection, int, bytes]]: ...


class RosBagReader:
    """Reads a bag in the order of its times."""

    def __init__(
        self,
        path: Path,
        observer: Observer,
        *,
        time: str | None = None,
        epoch_ns: int | None = None,
        system_id: str | None = None,
        views: ViewUpdates | None = None,
    ) -> None:
        self._path = path
        events = MessageEvents(observer, system_id or SYSTEM_ID, views)
        self._topics = TopicEvents(path, events, time, epoch_ns)

    def steps(self) -> Iterator[Step]:
        """A step per message. Behind a damaged place nothing can be read."""
        bag, encoding = self._opened()
        size_bytes = self._path.stat().st_size
        topics: dict[int, Topic] = {}
        try:
            for connection, log_ns, data in bag.messages():
                topic = topics.get(connection.id)
                if topic is None:
                    topic = topics[connection.id] = _topic_of(connection, encoding)
                # The library does not say where in the file a message is.
                yield from self._topics.step(TopicMessage(0, topic, log_ns, bytes(data)))
        except RecordingError:
            raise
        except Exception as error:  # ReaderError, and SQLite's own.
            reason = " ".join(str(error).split()) or type(error).__name__
            yield Step(size_bytes, "the rest", problem=f"cannot be read: {reason}")
        finally:
            bag.close()
        self._topics.end()

    def _opened(self) -> tuple[_Bag, str]:
        with self._path.open("rb") as file:
            head = file.read(len(SQLITE_MAGIC))
        is_ros1 = head.startswith(ROS1_MAGIC)
        if not is_ros1 and not head.startswith(SQLITE_MAGIC):
            raise RecordingError(f"{self._path} {NO_BAG}")
        module = import_optional("rosbags.rosbag1" if is_ros1 else "rosbags.rosbag2", "recordings")
        try:
            bag = cast(_Bag, module.Reader(self._path))
            bag.open()
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise RecordingError(f"{self._path} is not a whole ROS bag: {reason}") from error
        return bag, ROS1 if is_ros1 else ROS2


def _topic_of(connection: _Connection, encoding: str) -> Topic:
    """A topic; the definition is of ROS's `msg` files, or an IDL by its first words."""
    text = connection.msgdef.data
    kind = "ros2idl" if "IDL:" in text or text.lstrip().startswith("module ") else "ros2msg"
    return Topic(connection.topic, encoding, connection.msgtype, kind, text.encode())
