"""Protocol messages of exports: request, progress, completion, download URL."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from nova.sdk.field_types import Lane
from nova.sdk.protocol.message import Filters, Message, Timebase

ExportId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{43}\Z")]
"""256 random bits."""

DriverName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.:-]{1,128}(@\d+\.\d+\.\d+)?\Z")]
"""A driver's id, or id@version."""


class Export(Message, kw_only=True, tag="export"):
    """Export a range, both ends included, by the drivers bound to its streams or by `driver`."""

    start_time: str | None = None
    stop_time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    driver: DriverName | None = None


class CancelExport(Message, kw_only=True, tag="cancelExport"):
    """Cancel an export that this connection requested."""

    export_id: ExportId


class Drivers(Message, kw_only=True, tag="drivers"):
    """Request the list of installed drivers."""


ExportRequest = Export | CancelExport | Drivers


class ExportStarted(Message, kw_only=True, tag="exportStarted"):
    """The export was accepted."""

    export_id: str


class ExportProgress(Message, kw_only=True, tag="exportProgress"):
    """Progress of an export: estimated events done and in total, and remaining time."""

    export_id: str
    done: int
    total: int
    eta_s: float | None = None


class ExportComplete(Message, kw_only=True, tag="exportComplete"):
    """The export can be downloaded from the edge at `url` until `expires_at`.

    `failures` counts the streams and files that are not in it; its `export.json` names them.
    """

    export_id: str
    url: str
    bytes: int
    expires_at: str
    events: int
    digest: str
    failures: int


class ExportFailed(Message, kw_only=True, tag="exportFailed"):
    """The export failed; partial files are removed."""

    export_id: str
    code: str
    message: str


class ExportCancelled(Message, kw_only=True, tag="exportCancelled"):
    """The export was cancelled and its files removed; it may have ended just before."""

    export_id: str


class DriverInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """An installed driver."""

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
