"""The mapping of devices that publish plain values: a TOML file, checked when it is read.

A mapping names for each topic the entity, the fields and the time of its values. Nothing is
guessed: a time that the payload does not state is the reception's only if the mapping says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from nova.sdk import address as addresses
from nova.sdk.document import DocumentError, member_faults, read_toml
from nova.sdk.errors import TransportError
from nova.transport_mqtt import topic_filter
from nova.transport_mqtt.naming import ALL_TOPICS

DEVICES_MAX: Final = 1_000
RECEIVED: Final = "received"
PLACE = re.compile(r"\{(\d{1,3})\}", re.ASCII)
OFFSET = re.compile(r"Z|[+-]\d\d:\d\d", re.ASCII)
_ENTITY_IDS: Final = 3

TimeUnit = Literal["s", "ms", "us", "ns", "iso"]


class _Part(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """A table of the file."""


class TimeMember(_Part, kw_only=True, frozen=True):
    """The member of the payload that holds the time, and its unit.

    `iso` is a text; `offset` is that of texts that have none, such as `Z` or `+01:00`.
    """

    member: str
    unit: TimeUnit
    offset: str | None = None


class DeviceSpec(_Part, kw_only=True, frozen=True):
    """What the messages of a topic are."""

    topic: str
    """A filter; `{1}` in the entity is what its first `+` stands for."""
    entity: str
    message_type: str
    payload: Literal["number", "text", "json"]
    time: TimeMember | Literal["received"]
    field: str | None = None
    """The field of a payload that is one number or one text."""
    fields: dict[str, str] = {}
    """Fields of a JSON object, each with the path of its member; all members if there are none."""
    units: dict[str, str] = {}
    names: dict[str, str] = {}
    """Ids in place of levels that are none."""
    values: dict[str, bool | int | float | str] = {}
    """Values in place of texts, such as `true` for `ON`."""


class DeviceMapping(_Part, kw_only=True, frozen=True):
    """All devices of a broker."""

    scope: str
    device: list[DeviceSpec]


def read_mapping(path: Path) -> DeviceMapping:
    """Read a file; raises TransportError that names every fault with its place."""
    try:
        document = read_toml(path)
    except (OSError, DocumentError) as error:
        raise TransportError(f"the devices file {path} cannot be read: {error}") from None
    faults = _shape_faults(document)
    if not faults:
        faults = list(_mapping_faults(msgspec.convert(document, DeviceMapping)))
    if faults:
        raise TransportError(f"{path}: {'; '.join(faults)}")
    return msgspec.convert(document, DeviceMapping)


def _shape_faults(document: dict[str, object]) -> list[str]:
    """What has not the form of a mapping, device by device."""
    devices = document.get("device")
    if not isinstance(devices, list) or not devices:
        return ["device: at least one [[device]] is needed"]
    if len(devices) > DEVICES_MAX:
        return [f"device: {len(devices)} are more than {DEVICES_MAX}"]
    faults = [str(fault) for fault in member_faults({**document, "device": []}, DeviceMapping)]
    for number, device in enumerate(devices, start=1):
        faults += [_at(number, str(fault)) for fault in member_faults(device, DeviceSpec)]
    return faults


def _mapping_faults(mapping: DeviceMapping) -> Iterator[str]:
    if not addresses.is_id(mapping.scope):
        yield f"scope: {mapping.scope[:80]!r} is not [A-Za-z0-9_-]{{1,64}}"
    for number, spec in enumerate(mapping.device, start=1):
        for fault in _device_faults(spec):
            yield _at(number, fault)
        for earlier, other in enumerate(mapping.device[: number - 1], start=1):
            if topic_filter.overlap(spec.topic, other.topic):
                # The broker may send a message once for each subscription that it matches.
                yield _at(number, f"topic: {spec.topic!r} and that of device {earlier} overlap")


def _device_faults(spec: DeviceSpec) -> Iterator[str]:
    fault = topic_filter.fault(spec.topic)
    if fault is not None:
        yield f"topic: {spec.topic[:64]!r} {fault}"
    elif topic_filter.overlap(spec.topic, ALL_TOPICS):
        yield f"topic: {spec.topic!r} takes in topics of NOVA's own events (nova/…)"
    yield from _entity_faults(spec)
    if not addresses.is_name(spec.message_type):
        yield f"message_type: {spec.message_type[:64]!r} is not [A-Za-z0-9_.:-]{{1,128}}"
    yield from _payload_faults(spec)
    if isinstance(spec.time, TimeMember):
        yield from _time_faults(spec, spec.time)


def _entity_faults(spec: DeviceSpec) -> Iterator[str]:
    ids = spec.entity.split(".")
    if len(ids) != _ENTITY_IDS:
        yield f"entity: {spec.entity[:80]!r} is not system.container.unique"
        return
    pluses = spec.topic.split("/").count(topic_filter.ONE)
    for one in ids:
        for place in PLACE.findall(one):
            if not 1 <= int(place) <= pluses:
                yield f"entity: {{{place}}} has no + in the topic, which has {pluses}"
        if not addresses.is_id(PLACE.sub("x", one)):
            yield f"entity: {one[:64]!r} is not [A-Za-z0-9_-]{{1,64}} with places such as {{1}}"
    for level, one in spec.names.items():
        if not addresses.is_id(one):
            yield f"names.{level[:64]}: {one[:64]!r} is not [A-Za-z0-9_-]{{1,64}}"


def _payload_faults(spec: DeviceSpec) -> Iterator[str]:
    if spec.payload == "json":
        if spec.field is not None:
            yield "field: is for a payload that is a number or a text; name fields"
    elif spec.field is None:
        yield f"field: is missing, which names the value of a {spec.payload}"
    elif spec.fields:
        yield f"fields: are for a payload of json, not for a {spec.payload}; name one field"
    known = set(spec.fields) or ({spec.field} if spec.field else set())
    for name in spec.units:
        if known and name not in known:
            yield f"units.{name[:64]}: there is no field of this name"


def _time_faults(spec: DeviceSpec, time: TimeMember) -> Iterator[str]:
    if spec.payload != "json":
        yield f'time: a {spec.payload} has no members; write time = "{RECEIVED}"'
    if time.offset is not None and time.unit != "iso":
        yield f'time.offset: is for texts (unit = "iso"), not for {time.unit}'
    elif time.offset is not None and OFFSET.fullmatch(time.offset) is None:
        yield f"time.offset: {time.offset[:16]!r} is not Z or an offset such as +01:00"


def _at(number: int, fault: str) -> str:
    return f"device {number}: {fault}"
