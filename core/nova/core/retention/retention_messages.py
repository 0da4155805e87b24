"""Messages between `nova retention` and the writer, and what the command prints as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from nova.core.store.given_back import DayGivenBack

RETENTION_PATH = "/retention"


class RetentionProgress(msgspec.Struct, tag="progress", rename="camel", omit_defaults=True):
    """What a run does now; `events` is the number of events of the day."""

    step: Literal["delete", "reclaim"]
    day: str = ""
    scope_id: str = ""
    lane: str = ""
    events: int = 0


class RunRetention(msgspec.Struct, rename="camel"):
    """Request a run; `user` is the Unix user of the peer, who owns the socket's folder or is
    root.
    """

    user: str


class DayDone(msgspec.Struct, rename="camel"):
    """A day that was given back."""

    day: str
    scope_id: str
    lane: str
    rule: str
    events: int
    bytes: int
    deleted: int
    digest: str
    files: int
    file_bytes: int


class RetentionDone(msgspec.Struct, tag="done", rename="camel"):
    """The end of a run, with what was given back."""

    days: list[DayDone]
    bytes_before: int
    bytes_after: int


class RetentionFailed(msgspec.Struct, tag="failed", rename="camel"):
    """The end of a run that failed."""

    reason: str


RetentionReply = RetentionProgress | RetentionDone | RetentionFailed
encode = msgspec.json.Encoder().encode
decode_reply = msgspec.json.Decoder(RetentionReply).decode
decode_request = msgspec.json.Decoder(RunRetention).decode


def done_reply(days: Sequence[DayGivenBack], before: int, after: int) -> RetentionDone:
    """The end of a run, with the bytes on disk before and after it."""
    done = [
        DayDone(
            day=day.day,
            scope_id=day.scope_id,
            lane=day.lane,
            rule=day.rule,
            events=day.events,
            bytes=day.bytes,
            deleted=day.deleted,
            digest=day.digest,
            files=day.files,
            file_bytes=day.file_bytes,
        )
        for day in days
    ]
    return RetentionDone(done, before, after)
