"""Addresses: the public text that names the entity or command an event belongs to, used as NATS
subject or as Kafka topic and key.

The number of tokens distinguishes the four shapes:

    nova.{scopeId}.{lane}.{systemId}.{containerId}.{uniqueId}.v1    an entity
    nova.{scopeId}.command.{requestId}.v1                           command dispatch
    nova.{scopeId}.command.{commandId}:{messageType}.v1             command feedback
    nova.{scopeId}.{lane}.v1                                        scope and lane (a Kafka topic)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from nova.sdk.errors import AddressError

LANES = ("metadata", "command", "ui", "parsed", "raw")
LANE_PRIORITY = {lane: priority for priority, lane in enumerate(LANES)}
SCOPE_TOKEN = "__scope__"
VERSION = "v1"

ID_MAX_CHARS = 64
_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{ID_MAX_CHARS}}}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}", re.ASCII)


def is_id(text: str) -> bool:
    """Whether a text is a valid id token: [A-Za-z0-9_-]{1,64}."""
    return _ID.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether a text is a valid messageType, viewId or manifestId."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address. Ids are None where the shape has none; `subject` is token 4 of a command
    address.
    """

    scope_id: str
    lane: str
    system_id: str | None = None
    container_id: str | None = None
    unique_id: str | None = None
    subject: str | None = None

    def __str__(self) -> str:
        tokens = ["nova", self.scope_id, self.lane]
        tail = self.tail()
        return ".".join([*tokens, *([tail] if tail else []), VERSION])

    def tail(self) -> str:
        """The tokens between lane and version, joined by dots: the Kafka record key."""
        if self.subject is not None:
            return self.subject
        if self.system_id is None or self.container_id is None or self.unique_id is None:
            return ""
        return f"{self.system_id}.{self.container_id}.{self.unique_id}"

    def topic(self) -> str:
        return f"nova.{self.scope_id}.{self.lane}.{VERSION}"


@lru_cache(maxsize=16_384)
def parse(text: str) -> Address:
    """Parse an address; raises AddressError that names the wrong token."""
    tokens = text.split(".")
    if len(tokens) not in (4, 5, 7) or tokens[0] != "nova" or tokens[-1] != VERSION:
        raise AddressError(f"{text[:128]!r} is not nova.<scopeId>.<lane>.<ids>.{VERSION}")
    scope_id, lane, *ids = tokens[1:-1]
    _check_id("scopeId", scope_id)
    if lane not in LANE_PRIORITY:
        raise AddressError(f"lane {lane[:64]!r} in the address is not one of {', '.join(LANES)}")
    if len(ids) == 1:
        return _command_address(scope_id, lane, ids[0])
    for name, token in zip(("systemId", "containerId", "uniqueId"), ids, strict=False):
        _check_id(name, token)
    return Address(scope_id, lane, *ids)


def _command_address(scope_id: str, lane: str, subject: str) -> Address:
    if lane != "command":
        raise AddressError(f"an address of five tokens belongs to the command lane, not to {lane}")
    command_id, _, message_type = subject.partition(":")
    _check_id("commandId or requestId", command_id)
    if ":" in subject and not is_name(message_type):
        raise AddressError(f"messageType {message_type[:64]!r} in the address is not a name")
    return Address(scope_id, lane, subject=subject)


def _check_id(name: str, token: str) -> None:
    if not is_id(token):
        raise AddressError(f"{name} {token[:64]!r} in the address is not [A-Za-z0-9_-]{{1,64}}")


def entity(scope_id: str, lane: str, system_id: str, container_id: str, unique_id: str) -> Address:
    """The address of an entity's lane; raises AddressError if a token is not a valid id."""
    return parse(f"nova.{scope_id}.{lane}.{system_id}.{container_id}.{unique_id}.{VERSION}")


def dispatch(scope_id: str, request_id: str) -> str:
    """The address that the command with this requestId is published to."""
    return f"nova.{scope_id}.command.{request_id}.{VERSION}"


def is_dispatch(text: str | None) -> bool:
    """Whether a command is sent to this address, rather than feedback on one."""
    if text is None:
        return False
    try:
        subject = parse(text).subject
    except AddressError:
        return False
    return subject is not None and ":" not in subject


def from_topic(topic: str, key: str) -> str:
    """The address of a Kafka record; `key` is empty where the record has none."""
    return f"{topic.removesuffix(VERSION)}{key}.{VERSION}" if key else topic
