"""Decoders of the messages in MCAP files and ROS bags, made from the schemas that these hold."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, cast

from nova.recordings.json_form import DEPTH_MAX
from nova.sdk.optional_imports import import_optional

Decode = Callable[[bytes], Mapping[str, object]]

ROS1, ROS2 = "ros1", "cdr"
PROTOBUF, JSON = "protobuf", "json"


def decoder_of(encoding: str, schema_name: str, schema_encoding: str, schema: bytes) -> Decode:
    """The decoder of messages of an encoding with a schema; raises ValueError if there is none."""
    if encoding == JSON:
        return _decode_json
    try:
        if encoding == PROTOBUF and schema_encoding == PROTOBUF:
            return _protobuf(schema_name, schema)
        if encoding in (ROS1, ROS2):
            return _ros(encoding, schema_name, schema_encoding, schema)
    except Exception as error:  # The libraries raise various errors for damaged schemas.
        raise ValueError(f"the schema {schema_name!r} cannot be used: {error}") from error
    raise ValueError(f"messages of {encoding!r} with a schema of {schema_encoding!r} are not read")


def _decode_json(data: bytes) -> Mapping[str, object]:
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def _protobuf(name: str, schema: bytes) -> Decode:
    """Of a FileDescriptorSet, as Foxglove writes it."""
    import_optional("google.protobuf", "recordings")
    from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

    files = descriptor_pb2.FileDescriptorSet.FromString(schema).file
    pool = descriptor_pool.DescriptorPool()
    left = list(files)
    while left:
        ready = [one for one in left if not {*one.dependency} & {other.name for other in left}]
        if not ready:
            raise ValueError("its files depend on each other")
        for one in ready:
            pool.Add(one)
            left.remove(one)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))

    def decode(data: bytes) -> Mapping[str, object]:
        found: dict[str, object] = json_format.MessageToDict(
            kind.FromString(data),
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
            descriptor_pool=pool,
        )
        return found

    return decode


def _ros(encoding: str, name: str, schema_encoding: str, schema: bytes) -> Decode:
    """Of a ROS message, by the definition in the file, else by that of ROS's own messages."""
    library = import_optional("rosbags.typesys", "recordings")
    stores = library.Stores
    store = library.get_typestore(stores.ROS1_NOETIC if encoding == ROS1 else stores.LATEST)
    ros_name = name if "/msg/" in name else name.replace("/", "/msg/", 1)
    if schema:
        # Those of the file win over the library's: a vendor's may differ from the newest.
        store = library.get_typestore(stores.EMPTY) if _is_whole(schema) else store
        store.register(_types(library, schema_encoding, schema.decode(), ros_name))
    elif ros_name not in store.fielddefs:
        raise ValueError("the file has no definition of it")
    read = store.deserialize_ros1 if encoding == ROS1 else store.deserialize_cdr
    return lambda data: _members(read(data, ros_name), 0)


def _is_whole(schema: bytes) -> bool:
    """Whether a schema has the definitions of all messages that it uses, as bags write them."""
    return b"MSG:" in schema or b"IDL:" in schema


def _types(library: ModuleType, schema_encoding: str, text: str, name: str) -> object:
    if schema_encoding.endswith("idl"):
        return library.get_types_from_idl(text)
    return library.get_types_from_msg(text, name)


def _members(message: object, depth: int) -> dict[str, object]:
    """The members of a message, without its constants."""
    found: dict[str, object] = {}
    for field in dataclasses.fields(cast(Any, message)):
        if not field.name.startswith("__") and not field.name.isupper():
            found[field.name] = _member(getattr(message, field.name), depth)
    return found


def _member(value: object, depth: int) -> object:
    if depth >= DEPTH_MAX:
        return None
    if dataclasses.is_dataclass(value):
        return _members(value, depth + 1)
    if isinstance(value, list):
        return [_member(one, depth + 1) for one in value]
    return value
