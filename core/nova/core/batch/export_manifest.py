"""`export.json`: the contents of an export, with the digest that verifies it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import msgspec

from nova.core.batch.range_reader import RangeReader
from nova.core.files.file_router import UnwrittenEvents
from nova.sdk import timestamps
from nova.sdk.address import LANES
from nova.sdk.protocol.messages import Filters, GivenBackInfo, Timebase
from nova.sdk.timestamps import NS_MAX, NS_MIN

FORMAT = 1
MANIFEST_FILE = "export.json"
LIBRARIES = ("mcap", "pyarrow", "zstandard")
"""Libraries whose version, beside the driver's, determines the bytes of some formats."""


class ExportedFile(msgspec.Struct, kw_only=True, rename="camel"):
    path: str
    driver: str
    events: int
    bytes: int


class ShareResult(msgspec.Struct, kw_only=True):
    """The result of one worker's share. Only the first worker fills the totals of all that was
    read: `events`, `lanes`, keys, `digest` and `bindings`.
    """

    files: list[ExportedFile]
    failures: list[UnwrittenEvents]
    events: int = 0
    lanes: dict[str, int] = {}
    first_key: str | None = None
    last_key: str | None = None
    digest: str = ""
    bindings: list[msgspec.Raw] = []


class ExportQuery(msgspec.Struct, kw_only=True, rename="camel"):
    """The export's query; an open end of the range is null."""

    start_time: str | None
    stop_time: str | None
    timebase: Timebase
    filters: Filters
    driver: str | None


class PackageManifest(msgspec.Struct, kw_only=True, rename="camel"):
    """The members of `export.json`; none depends on when or where the export was made."""

    format: int
    query: ExportQuery
    durable_time: str
    events: int
    lanes: dict[str, int]
    first_key: str | None
    last_key: str | None
    digest: str
    drivers: dict[str, int]
    libraries: dict[str, str]
    files: list[ExportedFile]
    failures: list[UnwrittenEvents]
    bindings: list[msgspec.Raw]
    given_back: list[GivenBackInfo] | msgspec.UnsetType = msgspec.UNSET
    """What retention had deleted of the range; absent if nothing."""


def manifest_of(
    reader: RangeReader, driver: str | None, results: list[ShareResult]
) -> PackageManifest:
    """Combine the shares' results; the first one has the digest and counts of all events."""
    request, whole = reader.request, results[0]
    files = sorted((file for part in results for file in part.files), key=lambda file: file.path)
    failures = sorted(
        (one for part in results for one in part.failures),
        key=lambda one: (one.target_id, one.lane, one.stream_type, one.path, one.reason),
    )
    drivers: dict[str, int] = {}
    for file in files:
        drivers[file.driver] = drivers.get(file.driver, 0) + 1
    return PackageManifest(
        format=FORMAT,
        query=ExportQuery(
            start_time=None if request.start_ns == NS_MIN else timestamps.text(request.start_ns),
            stop_time=None if request.stop_ns == NS_MAX else timestamps.text(request.stop_ns),
            timebase=request.timebase,
            filters=request.filters,
            driver=driver,
        ),
        durable_time=timestamps.text(reader.newest_ns()),
        events=whole.events,
        lanes={lane: whole.lanes.get(lane, 0) for lane in LANES},
        first_key=whole.first_key,
        last_key=whole.last_key,
        digest=whole.digest,
        drivers=dict(sorted(drivers.items())),
        libraries=_libraries(),
        files=files,
        failures=failures,
        bindings=whole.bindings,
        given_back=reader.deleted() or msgspec.UNSET,
    )


def _libraries() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def encode(manifest: PackageManifest) -> bytes:
    """The bytes of `export.json`."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
