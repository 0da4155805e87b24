"""What a reader hands to the writer for its clients, and what comes back: MessagePack frames on the
writer's socket.
"""

from __future__ import annotations

from typing import Final

import msgspec

from sdk.submission import Role, Submission

PATH: Final = "/submissions"
FRAME_MAX_BYTES = 32 * 1024 * 1024
"""An import's largest request, and what its encoding may add."""

LOCAL_CONNECTION = "local"
"""The connection of whoever reaches the reader's socket without an edge."""


class Asker(msgspec.Struct, array_like=True, frozen=True):
    """Who submits: not what the client says, but what edge and reader know of it.

    `connection` tells its connection from others in logs. `is_replaying`: its timeline was in
    replay when the submission came.
    """

    user: str
    role: Role
    connection: str = ""
    is_replaying: bool = False


class Submitted(msgspec.Struct, array_like=True):
    """One submission; `ref` is the reader's own and comes back with the answer. `since_s` is when
    the reader got it, by the clock that all processes of a machine share (`time.monotonic`).
    """

    ref: int
    asker: Asker
    what: Submission
    since_s: float


class Answered(msgspec.Struct, array_like=True):
    """The answer: a message of the protocol as JSON."""

    ref: int
    reply: bytes


_encoder = msgspec.msgpack.Encoder()
_submitted: msgspec.msgpack.Decoder[Submitted] = msgspec.msgpack.Decoder(Submitted)
_answered: msgspec.msgpack.Decoder[Answered] = msgspec.msgpack.Decoder(Answered)


def encode(frame: Submitted | Answered) -> bytes:
    """One frame's bytes."""
    return _encoder.encode(frame)


def decode_submitted(frame: bytes) -> Submitted:
    """What a reader hands over; raises msgspec.DecodeError if it is none."""
    return _submitted.decode(frame)


def decode_answered(frame: bytes) -> Answered:
    """What the writer answers; raises msgspec.DecodeError if it is none."""
    return _answered.decode(frame)
