"""What the protocol says of exports: asking for one, how far it is, and where it can be had."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sdk.envelope import Lane
from sdk.message import Filters, Message, Timebase

ExportId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{43}\Z")]
"""256 random bits."""

DriverName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.:-]{1,128}(@\d+\.\d+\.\d+)?\Z")]
"""A driver's id, or id@version."""


class Export(Message, kw_only=True, tag="export"):
    """Bring a range, both ends included, to files; by the drivers that are bound to its streams,
    or by the one that is named.
    """

    start_time: str | None = None
    stop_time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    driver: DriverName | None = None


class CancelExport(Message, kw_only=True, tag="cancelExport"):
    """Give up an export that this connection has asked for."""

    export_id: ExportId


class Drivers(Message, kw_only=True, tag="drivers"):
    """Which drivers are installed."""


ExportRequest = Export | CancelExport | Drivers


class ExportStarted(Message, kw_only=True, tag="exportStarted"):
    """The export was accepted."""

    export_id: str


class ExportProgress(Message, kw_only=True, tag="exportProgress"):
    """About how many events it has passed, of about how many, and how long it may still take."""

    export_id: str
    done: int
    total: int
    eta_s: float | None = None


class ExportComplete(Message, kw_only=True, tag="exportComplete"):
    """The export can be downloaded from the edge at `url` until `expires_at`.

    `failures` counts what is not in it, which its `export.json` names.
    """

    export_id: str
    url: str
    bytes: int
    expires_at: str
    events: int
    digest: str
    failures: int


class ExportFailed(Message, kw_only=True, tag="exportFailed"):
    """The export could not be made; nothing of it is left."""

    export_id: str
    code: str
    message: str


class ExportCancelled(Message, kw_only=True, tag="exportCancelled"):
    """The export was given up; nothing of it is left. It may have ended by itself just before."""

    export_id: str


class DriverInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A driver that is installed."""

    driver: str
    lanes: list[Lane]
    message_types: list[str] | None = None


class DriversResponse(Message, kw_only=True, tag="driversResponse"):
    """All drivers by name; `preferred` are those that streams are bound to."""

    drivers: list[DriverInfo]
    preferred: list[str]


ExportReply = (
    ExportStarted
    | ExportProgress
    | ExportComplete
    | ExportFailed
    | ExportCancelled
    | DriversResponse
)

ExportEnd = ExportComplete | ExportFailed | ExportCancelled
