"""Protocol messages of an instance's state: reject log, links, counts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.protocol.message import Message, Timebase
from nova.sdk.protocol.metric_messages import Metrics as Metrics
from nova.sdk.protocol.metric_messages import MetricsResponse as MetricsResponse


class Rejects(Message, kw_only=True, tag="rejects"):
    """Request a page of the reject log, oldest first; `after` is the last number received."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class Status(Message, kw_only=True, tag="status"):
    """Request the state of the Core."""


class FollowStatus(Message, kw_only=True, tag="followStatus"):
    """Request the state of the Core, and from now on a `statusUpdate` every second."""


class Links(Message, kw_only=True, tag="links"):
    """Request the state of the Core's transports; cheap enough for every second."""


HealthRequest = Rejects | Status | FollowStatus | Links | Metrics


class RejectInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A rejected record; `raw` holds its first bytes as base64."""

    number: int
    time: str
    code: str
    member: str
    reason: str
    link: str
    position: str
    address: str | None = None
    size: int
    raw: bytes


class RejectsResponse(Message, kw_only=True, tag="rejectsResponse"):
    """A page of the reject log and the total number of entries; `next_after` is the `after` of the
    next page, absent on the last.
    """

    rejects: list[RejectInfo]
    total: int
    next_after: int | None = None


class OutageInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A period in which a transport's backend was unreachable; `ended` is absent while it lasts."""

    began: str
    ended: str | None = None
    reason: str


LinkConnection = Literal["connected", "unreachable", "unknown"]
"""Unknown: not tried yet, no longer configured, or the writer itself is not running."""


class LinkInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A transport that the Core consumes from, or did.

    Counts are since the archive was created, outages since the writer started. `lag` is the number
    of records that the backend is known to hold after the stored positions, `lag_by_stream` the
    same per stream. `last_seen` is when the last record was stored.
    """

    link: str
    connection: LinkConnection = "unknown"
    received: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    gaps: int = 0
    last_seen: str | None = None
    lag: int | None = None
    lag_by_stream: dict[str, int] = msgspec.field(default_factory=dict)
    positions: dict[str, int] = msgspec.field(default_factory=dict)
    outages: int = 0
    last_outage: OutageInfo | None = None
    warnings: list[str] = msgspec.field(default_factory=list)


class LinksResponse(Message, kw_only=True, tag="linksResponse"):
    """All links, ordered by name."""

    links: list[LinkInfo]


class SubmissionCount(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """The number of submissions of one kind that were `taken`, or refused with one code."""

    kind: str
    outcome: str
    count: int


ProcessState = Literal["starting", "ready", "hung", "restarting", "stopping"]
"""Hung: alive, but its heartbeat is missing. Restarting: it has exited or was killed."""


class ProcessInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A process of the instance. `busy` is the long step that it has announced, `restarts` how
    often it was restarted since the instance started.
    """

    name: str
    state: ProcessState = "starting"
    restarts: int = 0
    busy: str | None = None


class BackupInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """The last backup of the archive, and the failure since, if there is one."""

    target: str | None = None
    time: str | None = None
    events: int = 0
    bytes: int = 0
    scheduled: bool = False
    """Whether the instance makes backups by itself."""

    failed_time: str | None = None
    failure: str | None = None


class ConfiguredPart(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A definition, `id@version`, or a route of notifications, `rule/target`, and its last outcome.

    A definition is `running`, `slow`, `failing` or `stopped`. A route has `sent`, `failed`,
    `unknown`, `retrying`, or nothing yet (`idle`).
    """

    name: str
    state: str
    time: str | None = None
    """When it last made values, or when the last message ended."""

    reason: str | None = None
    slowest_s: float | None = None
    """The longest evaluation of the last minute."""

    behind_s: float | None = None
    """How far a definition is behind what is durable."""


class ConfiguredFiles(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """What is in effect of files that the instance reads, and their faults: of a file with a fault
    what was in effect before still is.
    """

    kind: Literal["rules", "definitions", "notifications"]
    path: str
    in_effect: int = 0
    """How many rules, definitions, or routes of notifications."""

    read_time: str | None = None
    """When they were read last."""

    faults: list[str] = msgspec.field(default_factory=list)
    parts: list[ConfiguredPart] = msgspec.field(default_factory=list)


class StatusResponse(Message, kw_only=True, tag="statusResponse"):
    """Counts since the archive was created, its newest canonical time, and its size on disk."""

    mode: Literal["payload", "ground"]
    scope_id: str | None = None
    timebase: Timebase
    events: int
    duplicates: int
    rejects: int
    series: int
    durable_time: str | None = None
    bytes_on_disk: int
    links: list[LinkInfo]
    writer_connected: bool
    request_clashes: int = 0
    unknown_commands: int = 0
    file_failures: int = 0
    shared_files: int = 0
    """Daily files of the present day that several streams share, because of `files_max`."""

    derived_remade: int = 0
    """How often samples, checkpoints or alarms were rebuilt because they were damaged."""

    derived_last_remade: str | None = None
    """The time of the last rebuild, which of the two it was, and the reason."""

    commands_require_descriptor: bool = True
    submissions: list[SubmissionCount] = msgspec.field(default_factory=list)
    manifest_conflicts: list[str] = msgspec.field(default_factory=list)
    """Members that differ under one manifestId and version, found when the writer started."""

    backup: BackupInfo | None = None
    """None if there was no backup yet and none is scheduled."""

    quarantined: list[str] = msgspec.field(default_factory=list)
    """Data quarantined from the archive's logs, ever: it lay after everything that was durable."""

    processes: list[ProcessInfo] = msgspec.field(default_factory=list)
    """The processes that the reader's supervisor runs; empty without a supervisor."""

    configured: list[ConfiguredFiles] = msgspec.field(default_factory=list)
    """Rules, definitions and notifications, as the processes report that use them."""

    limited: bool = False
    """The requester sees some scopes or lanes only: `events`, `duplicates`, `rejects` and `series`
    are 0, and `manifestConflicts` and `configured` empty, because they are of the whole archive.
    """


class StatusUpdate(Message, kw_only=True, tag="statusUpdate"):
    """The counts of the archive, 0 as in `status` for who is limited; and the state of the Core if
    anything else of it has changed than counts and how far behind its parts are.
    """

    events: int = 0
    series: int = 0
    durable_time: str | None = None
    status: StatusResponse | None = None


HealthReply = RejectsResponse | LinksResponse | StatusResponse | StatusUpdate | MetricsResponse
