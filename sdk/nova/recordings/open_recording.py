"""Opens a recording with its format's reader and the options that this format accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from nova.recordings import ccsds, table_reader
from nova.recordings.ardupilot import ArdupilotReader
from nova.recordings.arrivals import Arrivals
from nova.recordings.can import CanReader, holds_frame
from nova.recordings.can_log import CanLogReader, file_kind
from nova.recordings.capture import PAYLOADS, CaptureReader
from nova.recordings.ccsds import CcsdsReader
from nova.recordings.cell_time import TimeColumn, check_format
from nova.recordings.dbc import DbcDefinition
from nova.recordings.format_detection import detect_format, holds_capture, named_format
from nova.recordings.frame_format import parse_frame_format
from nova.recordings.gnss import GnssReader
from nova.recordings.gpx import GpxReader
from nova.recordings.influx import InfluxReader
from nova.recordings.jsonl import JsonLinesReader
from nova.recordings.mavlink import MavlinkReader
from nova.recordings.mcap_messages import McapMessagesReader
from nova.recordings.nmea import NmeaReader
from nova.recordings.packet_time import TimeSource
from nova.recordings.parquet_table import ParquetTable
from nova.recordings.recording import DatedReader, RecordingError, Step, event_step
from nova.recordings.recording_options import RecordingOptions
from nova.recordings.ros_bag import RosBagReader
from nova.recordings.spooling import READ_ONCE
from nova.recordings.table_reader import TableReader
from nova.recordings.ulog import UlogReader
from nova.recordings.xtce import XtceDefinition
from nova.sdk.events.observation import Entity, Observer
from nova.sdk.producer.view_updates import ViewUpdates

MAY_BE_EMPTY = {*READ_ONCE, "pcap"}
"""Formats of which nothing is no error: a capture may hold no datagram to the port."""
CAN_LOG_NAMES = {
    ".asc": "an ASC log: with its date, or base hex or dec",
    ".blf": "a BLF log: with LOGG",
    ".mf4": "an MDF 4 file: with MDF 4 or UnFinMF 4",
}

_Opener = Callable[[Path, Observer, ViewUpdates, RecordingOptions], Iterator[Step]]


def open_recording(
    path: Path, observer: Observer, name: str | None = None, options: RecordingOptions | None = None
) -> Iterator[Step]:
    """The steps of a recording, with view updates. The format is detected unless `name` gives it.

    Raises RecordingError for an option that the format does not accept.
    """
    options = options or RecordingOptions()
    if name is None and options.frames is not None:
        name = "pcap" if holds_capture(path) else "ccsds"
    name = name or named_format(path)
    if name not in READ_ONCE and path.exists() and not path.is_file():
        raise RecordingError(f"{path} is not a regular file: it cannot be read more than once")
    if name not in READ_ONCE and path.exists() and not path.stat().st_size:
        raise RecordingError(f"{path} has nothing in it: it is 0 bytes long")
    name = name or detect_format(path)
    opener = _opener(name, options, f"{name}, the format of {path}")
    views = ViewUpdates(observer)
    steps = chain(opener(path, observer, views, options), _final_updates(path, views))
    return steps if name in MAY_BE_EMPTY else _some(steps, path, name)


def _some(steps: Iterator[Step], path: Path, name: str) -> Iterator[Step]:
    """The steps; raises RecordingError at the end if they say nothing, or only of other text."""
    is_said = False
    for step in steps:
        is_other_text = name == "gnss" and step.note is not None
        is_said = is_said or bool(step.records or step.problem) or not is_other_text
        yield step
    if not is_said:
        raise RecordingError(f"{path} has nothing in it that is {name}: is it of another format?")


def _opener(name: str, options: RecordingOptions, title: str) -> _Opener:
    """The opener of a format; raises RecordingError for an option that it does not accept."""
    opener, understood = _FORMATS[name]
    for name in options.given():
        if name not in understood:
            flag = "--" + name.replace("_", "-")
            raise RecordingError(f"{flag} does not apply to {title}")
    return opener


def _final_updates(path: Path, views: ViewUpdates) -> Iterator[Step]:
    """The view updates that are held back until the recording ends."""
    events = tuple(views.flush())
    if events:
        yield event_step(path.stat().st_size, "the end", events)


def _ccsds(
    path: Path, observer: Observer, views: ViewUpdates, options: RecordingOptions
) -> Iterator[Step]:
    definition = None
    if options.xtce is not None:
        definition = XtceDefinition(options.xtce, options.root_container, options.apid)
    if definition is None and options.root_container is not None:
        raise RecordingError("--root-container names an XTCE container: give --xtce too")
    if options.time_unit is not None and not (options.time or "").startswith("field:"):
        raise RecordingError(
            "--time-unit applies to counters in fields: give --time field:NAME too"
        )
    time = TimeSource.from_options(
        options.time, options.time_unit or "s", options.epoch_ns(), options.time_scale
    )
    return CcsdsReader(
        path,
        observer,
        definition=definition,
        time=time,
        system_id=options.system or ccsds.SYSTEM_ID,
        views=views,
        frames=None if options.frames is None else parse_frame_format(options.frames),
        arrivals=options.arrivals,
    ).steps()


def _can(
    path: Path, observer: Observer, views: ViewUpdates, options: RecordingOptions
) -> Iterator[Step]:
    dbc = DbcDefinition(options.dbc) if options.dbc else None
    epoch_ns, system_id = options.epoch_ns(), options.system
    kind = file_kind(path)
    if kind is not None:
        zone = options.zone()
        return CanLogReader(
            path,
            kind,
            observer,
            epoch_ns=epoch_ns,
            zone=zone,
            system_id=system_id,
            views=views,
            dbc=dbc,
        ).steps()
    if path.suffix.lower() in CAN_LOG_NAMES and not holds_frame(path):
        raise RecordingError(f"{path} does not begin as {CAN_LOG_NAMES[path.suffix.lower()]}")
    if options.time_zone is not None:
        raise RecordingError(f"--time-zone does not apply to {path}, a log of candump")
    return CanReader(
        path, observer, epoch_ns=epoch_ns, system_id=system_id, views=views, dbc=dbc
    ).steps()


def _topics_opener(reader: type[McapMessagesReader | RosBagReader]) -> _Opener:
    def opened(
        path: Path, observer: Observer, views: ViewUpdates, options: RecordingOptions
    ) -> Iterator[Step]:
        return reader(
            path,
            observer,
            time=options.time,
            epoch_ns=options.epoch_ns(),
            system_id=options.system,
            views=views,
        ).steps()

    return opened


def _influx(
    path: Path, observer: Observer, views: ViewUpdates, options: RecordingOptions
) -> Iterator[Step]:
    unit = options.time_unit or "ns"
    if unit == "iso":
        raise RecordingError("--time-unit iso does not apply to influx, whose times are counts")
    return InfluxReader(
        path, observer, unit=unit, system_id=options.system, arrivals=options.arrivals
    ).steps()


def _dated_opener(reader: type[DatedReader]) -> _Opener:
    def opened(
        path: Path, observer: Observer, views: ViewUpdates, options: RecordingOptions
    ) -> Iterator[Step]:
        return reader(
            path,
            observer,
            epoch_ns=options.epoch_ns(),
            system_id=options.system,
            views=views,
            arrivals=options.arrivals,
        ).steps()

    return opened


def _csv(
    path: Path, observer: Observer, views: ViewUpdates, options: RecordingOptions
) -> Iterator[Step]:
    if options.view is not None:
        views.manifest(options.view)
    columns = options.columns.split(",") if options.columns else ()
    return TableReader(
        path,
        observer,
        time=_time_column(options),
        entity=_entity(options.entity) if options.entity else table_reader.ENTITY,
        message_type=options.message_type or table_reader.MESSAGE_TYPE,
        columns=columns,
        views=views,
        view_id=options.view,
        encoding=options.encoding,
        skip_lines=options.skip_lines,
        text_columns=options.text.split(",") if options.text else (),
        decimal=options.decimal,
    ).steps()


def _parquet(
    path: Path, observer: Observer, views: ViewUpdates, options: RecordingOptions
) -> Iterator[Step]:
    if options.view is not None:
        views.manifest(options.view)
    is_local = options.time_unit is None and options.time_zone is not None
    given = replace(options, time_unit="iso") if is_local else options
    return ParquetTable(
        path,
        observer,
        time=_time_column(given),
        entity=_entity(options.entity) if options.entity else table_reader.ENTITY,
        message_type=options.message_type or table_reader.MESSAGE_TYPE,
        views=views,
        view_id=options.view,
    ).steps()


def _time_column(options: RecordingOptions) -> TimeColumn:
    """The time column and its format: text is a full time, a number a counter."""
    unit = options.time_unit or ("s" if options.time_format is None else "iso")
    if unit == "iso" and options.epoch is not None:
        raise RecordingError("--epoch applies to counters, not to --time-unit iso")
    if unit != "iso" and (options.time_zone or options.time_format):
        raise RecordingError("--time-zone and --time-format require --time-unit iso")
    zone = options.zone()
    form = None if options.time_format is None else check_format(options.time_format)
    return TimeColumn(options.time_column, unit, options.epoch_ns() or 0, zone, form)


def _jsonl(
    path: Path, observer: Observer, views: ViewUpdates, options: RecordingOptions
) -> Iterator[Step]:
    return JsonLinesReader(path, observer.scope_id).steps()


def _pcap(
    path: Path, observer: Observer, views: ViewUpdates, options: RecordingOptions
) -> Iterator[Step]:
    inner = replace(options, port=None, payload=None)
    payload = options.payload or ("raw" if options.frames is None else "ccsds")
    if payload not in PAYLOADS:
        raise RecordingError(f"--payload {payload!r} is not one of {', '.join(PAYLOADS)}")
    title = f"{payload}, the payload of {path}"
    opener = _opener(payload, inner, title) if payload in _FORMATS else None
    if opener is None and (others := inner.given() - {"system"}):
        raise RecordingError(f"--{min(others).replace('_', '-')} does not apply to {title}")

    def opened(payloads: Path, arrivals: Arrivals) -> Iterator[Step]:
        assert opener is not None
        return opener(payloads, observer, views, replace(inner, arrivals=arrivals))

    return CaptureReader(
        path,
        observer,
        port=options.port,
        payload=payload,
        system_id=options.system,
        opened=opened if opener is not None else None,
    ).steps()


def _entity(text: str) -> Entity:
    parts = text.split("/")
    if len(parts) != len(Entity._fields):
        raise RecordingError(f"--entity {text!r} is not SYSTEM/CONTAINER/UNIQUE")
    return Entity(*parts)


_FORMATS: dict[str, tuple[_Opener, frozenset[str]]] = {
    "ccsds": (
        _ccsds,
        frozenset(
            {"frames", "xtce", "apid", "root_container", "time", "time_unit", "time_scale", "epoch"}
            | {"system", "arrivals"}
        ),
    ),
    "nmea": (_dated_opener(NmeaReader), frozenset({"epoch", "system", "arrivals"})),
    "can": (_can, frozenset({"dbc", "epoch", "system", "time_zone"})),
    "ulog": (_dated_opener(UlogReader), frozenset({"epoch", "system"})),
    "gnss": (_dated_opener(GnssReader), frozenset({"epoch", "system", "arrivals"})),
    "gpx": (_dated_opener(GpxReader), frozenset({"system"})),
    "mcap": (_topics_opener(McapMessagesReader), frozenset({"time", "epoch", "system"})),
    "rosbag": (_topics_opener(RosBagReader), frozenset({"time", "epoch", "system"})),
    "ardupilot": (_dated_opener(ArdupilotReader), frozenset({"epoch", "system"})),
    "mavlink": (_dated_opener(MavlinkReader), frozenset({"system", "arrivals"})),
    "influx": (_influx, frozenset({"time_unit", "system", "arrivals"})),
    "csv": (
        _csv,
        frozenset(
            {"time_column", "time_unit", "time_zone", "time_format", "epoch"}
            | {"entity", "message_type", "columns", "view", "encoding", "skip_lines"}
            | {"text", "decimal"}
        ),
    ),
    "parquet": (
        _parquet,
        frozenset(
            {"time_column", "time_unit", "time_zone", "time_format", "epoch"}
            | {"entity", "message_type", "view"}
        ),
    ),
    "jsonl": (_jsonl, frozenset({"arrivals"})),
    "pcap": (
        _pcap,
        frozenset(
            {"port", "payload", "frames", "xtce", "apid", "root_container", "time", "time_unit"}
            | {"time_scale", "epoch", "system"}
        ),
    ),
}
