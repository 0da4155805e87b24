"""A message as a broker sends it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """A message as it was received; `is_repeated` if the broker has sent it before.

    `mid` is None if its publisher wanted no acknowledgement (QoS 0).
    """

    topic: str
    payload: bytes
    mid: int | None
    is_repeated: bool
