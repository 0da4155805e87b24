"""`nova produce`: publishes a recording as events, over any transport."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict, Unpack
from urllib.parse import urlsplit

import click

from nova.console.printing import print_json, warn
from nova.console.progress_bar import progress
from nova.recordings import counter
from nova.recordings.capture import PAYLOADS
from nova.recordings.format_detection import FORMATS
from nova.recordings.open_recording import open_recording
from nova.recordings.recording import RecordingError, Step
from nova.recordings.recording_feed import Pace, PublishTally, publish_recording
from nova.recordings.recording_options import RecordingOptions
from nova.recordings.spooling import rereadable
from nova.recordings.time_scale import SCALES
from nova.sdk import lifecycle
from nova.sdk.events.observation import Observer
from nova.sdk.producer.producer import Producer, Retry
from nova.sdk.transport.base import connect

RETRY_DEADLINE_S = 30.0
PUBLISH_MAX_RECORDS = 5_000
LOCAL_SCHEME = "local"
EXIT_PROBLEMS = 1
EXIT_INTERRUPTED = 130

EPILOG = """\b
Examples:
  nova produce flight.DAT1 --xtce jpss1.xml --to local:///var/lib/nova --scope jpss1
  nova produce ctim.bin --xtce ctim.xml --root-container CCSDSTelemetryPacket \\
      --time field:SHCOARSE --epoch 1980-01-06T00:00:00Z --to kafka://broker:9092 --scope ctim
  nova produce hk.bin --xtce hk.csv --apid 11 --time cds --to local:///var/lib/nova --scope sat
  nova produce hk.bin --time cuc:4+2 --epoch 1958-01-01T00:00:00Z --time-scale tai \\
      --to local:///var/lib/nova --scope sat
  nova produce pass.cadu --frames aos:892,random,rs=128 --to local:///var/lib/nova --scope snpp
  nova produce boat.log --format nmea --to kafka://broker:9092 --scope boat --rate 1
  nova produce boat-can.log --to local:///var/lib/nova --scope boat
  nova produce truck.blf --dbc truck.dbc --time-zone Europe/Berlin \\
      --to local:///var/lib/nova --scope truck
  nova produce drone.ulg --epoch 2026-05-01T09:30:00Z --to local:///var/lib/nova --scope drone
  nova produce rocket.csv --time-column time --epoch 2022-06-24T15:17:16Z \\
      --entity rocket/avionics/telemega --to local:///var/lib/nova --scope rocket
  nova produce P4000001.txt --format csv --columns hours,voltage --time-column hours \\
      --time-unit h --epoch 2017-12-31T00:00:00Z --entity iss/power/2A \\
      --view telemetry.battery --to local:///var/lib/nova --scope iss
  nova produce events.jsonl --to local:///var/lib/nova --scope sat --json
  nova produce 00000012.BIN --to local:///var/lib/nova --scope copter
  nova produce flight.tlog --to local:///var/lib/nova --scope copter
  nova produce robot.mcap --time header --to local:///var/lib/nova --scope robot
  nova produce receiver.ubx --to local:///var/lib/nova --scope rover
  nova produce table.parquet --time-column time --to local:///var/lib/nova --scope rig
  nova produce ride.gpx.gz --to local:///var/lib/nova --scope ride
  nova produce pass.pcapng --port 4000 --payload ccsds --xtce sat.xml \\
      --to local:///var/lib/nova --scope sat
  nova produce sensors.lp --to local:///var/lib/nova --scope house
  cat boat.log | nova produce - --to local:///var/lib/nova --scope boat

The same file always gives the same eventIds: produced twice, all events are duplicates the second
time. Exit status 1 means that something was rejected or could not be read.
"""


class _ReaderOptions(TypedDict):
    dbc: Sequence[Path]
    frames: str | None
    xtce: Path | None
    apid: int | None
    root_container: str | None
    time: str | None
    time_column: str | None
    time_unit: str | None
    time_zone: str | None
    time_format: str | None
    time_scale: str | None
    epoch: str | None
    system: str | None
    entity: str | None
    message_type: str | None
    columns: str | None
    encoding: str | None
    skip_lines: int | None
    text: str | None
    decimal: str | None
    view: str | None
    port: int | None
    payload: str | None


class _Job(NamedTuple):
    file: Path
    steps: Iterator[Step]
    url: str
    scope: str
    retry: Retry
    pace: Pace


def _parse_rate(ctx: click.Context, param: click.Parameter, value: str) -> float | None:
    """The rate as a factor of real time; None for `max`."""
    if value == "max":
        return None
    try:
        rate = float(value)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise click.BadParameter(f"{value!r} is neither max nor a number above 0", ctx, param)
    return rate


@click.command(epilog=EPILOG)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--to", "url", required=True, help="Transport: local:///DATA, kafka://HOST:PORT, …")
@click.option("--scope", required=True, help="Scope of the events.")
@click.option("--format", "name", type=click.Choice(FORMATS), help="Default: detected.")
@click.option(
    "--rate",
    callback=_parse_rate,
    metavar="max|N",
    default="max",
    show_default=True,
    help="As fast as the transport accepts, or N times real time.",
)
@click.option(
    "--dbc",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="can: file that defines the signals (.dbc, .kcd, .sym, .arxml); may be repeated.",
)
@click.option(
    "--frames",
    metavar="SPEC",
    help="ccsds: packets are in transfer frames: tm:BYTES or aos:BYTES of a frame, then any of "
    ",random ,rs=BYTES ,correct=16|8 ,crc ,ocf ,insert=BYTES ,fhec ,nosync.",
)
@click.option(
    "--xtce",
    type=click.Path(exists=True, path_type=Path),
    help="ccsds: XTCE file, or ccsdspy's CSV of the fields of one --apid.",
)
@click.option("--apid", type=click.IntRange(0, 2047), help="ccsds: the APID of a CSV of fields.")
@click.option("--root-container", help="ccsds: XTCE root container, if not CCSDSPacket.")
@click.option(
    "--time",
    help="ccsds: cds, cds:DAYS+SUB, cuc (P-field), cuc:COARSE+FINE, each with @BYTES before it; or "
    "field:NAME, field:SECONDS+FRACTION. Default: CDS, if nearly all packets fit it. mcap, rosbag: "
    "log (default: when a message was recorded), or header (of its ROS header).",
)
@click.option(
    "--time-scale",
    type=click.Choice(SCALES),
    help="ccsds: time scale of the packets' times and of --epoch (default utc).",
)
@click.option("--time-column", help="csv, parquet: the time column, or several joined: DATE,TIME.")
@click.option(
    "--time-unit",
    type=click.Choice(["iso", *counter.UNITS_NS]),
    help="csv, ccsds field, influx: unit of the time (default s; influx: ns).",
)
@click.option(
    "--time-zone",
    metavar="ZONE",
    help="csv, can (.asc, .blf, .mf4): zone of times without one: UTC, Europe/Berlin, +02:00.",
)
@click.option(
    "--time-format",
    metavar="FORMAT",
    help="csv: format of times that are not ISO, as of strptime: '%d/%m/%Y %H:%M:%S'.",
)
@click.option(
    "--epoch",
    help="ISO time of counter 0; nmea: a time near the start, which resolves week rollovers.",
)
@click.option("--system", help="systemId of the events; csv: see --entity.")
@click.option("--entity", help="csv, parquet: SYSTEM/CONTAINER/UNIQUE of the rows.")
@click.option("--message-type", help="csv, parquet: messageType of the rows (default Row).")
@click.option("--columns", metavar="A,B,…", help="csv: column names, for files without a header.")
@click.option("--encoding", help="csv: e.g. cp1252 (default: byte order mark, else UTF-8).")
@click.option("--skip-lines", type=click.IntRange(0), help="csv: lines before the header line.")
@click.option("--text", metavar="A,B,…", help="csv: columns to keep as text, even if numeric.")
@click.option("--decimal", type=click.Choice([".", ","]), help="csv: the decimal sign.")
@click.option("--view", metavar="VIEWID", help="csv: view to update with the columns, by name.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="pcap: datagrams to this UDP port only."
)
@click.option(
    "--payload",
    type=click.Choice(PAYLOADS),
    help="pcap: what the datagrams hold (default raw); --frames and other options apply to it.",
)
@click.option(
    "--give-up-after",
    type=float,
    default=RETRY_DEADLINE_S,
    show_default=True,
    help="Seconds without the transport until giving up.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.pass_context
def produce(
    ctx: click.Context,
    file: str,
    url: str,
    scope: str,
    name: str | None,
    rate: float | None,
    give_up_after: float,
    as_json: bool,
    **given: Unpack[_ReaderOptions],
) -> None:
    """Publish a recording as events.

    Formats: CCSDS packets, NMEA 0183, CAN (.log, .asc, .blf, .mf4) and NMEA 2000, ULog,
    ArduPilot (.bin), MAVLink (.tlog), MCAP and ROS bags (.mcap, .db3, .bag), UBX and RTCM (.ubx,
    .rtcm3), GPX, InfluxDB's line protocol, CSV, Parquet, UDP datagrams of a capture (.pcap,
    .pcapng), or JSON lines of envelopes. FILE may be compressed by gzip, or a pipe; - is standard
    input.
    """
    with rereadable(file, name, warn) as path:
        steps = open_recording(path, Observer(scope), name, RecordingOptions(**given))
        job = _Job(path, steps, url, scope, Retry(deadline_s=give_up_after), Pace(rate))
        tally = PublishTally()
        try:
            asyncio.run(_run(job, tally))
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)
        finally:
            _print_summary(tally, as_json)
    if not tally.is_clean:
        ctx.exit(EXIT_PROBLEMS)


async def _run(job: _Job, tally: PublishTally) -> None:
    transport = connect(job.url)
    lifecycle.prepare_for_batches()
    try:
        with progress(job.file.name, job.file.stat().st_size) as report:
            await publish_recording(
                _checked_steps(job),
                Producer(
                    transport, job.scope, retry=job.retry, batch_max_records=PUBLISH_MAX_RECORDS
                ),
                tally,
                pace=job.pace,
                requires_address=urlsplit(job.url).scheme != LOCAL_SCHEME,
                report=lambda done_bytes: report(done_bytes, tally.sent),
            )
    finally:
        await transport.close()


def _checked_steps(job: _Job) -> Iterator[Step]:
    try:
        yield from job.steps
    except OSError as error:
        raise RecordingError(f"cannot read {job.file}: {error.strerror or error}") from error


def _print_summary(tally: PublishTally, as_json: bool) -> None:
    for problem in tally.problems:
        warn(f"unreadable: {problem}")
    for refused in tally.rejections:
        what = f"{refused.code} {refused.member or '-'}: {refused.reason}"
        warn(f"rejected: {refused.place}: {what}")
    for text, noted in tally.notes.items():
        warn(f"{noted.times:,} × {text} (first: {noted.first_place})")
    if as_json:
        print_json(_as_json(tally))
    else:
        click.echo(_as_text(tally))


def _as_text(tally: PublishTally) -> str:
    parts = [f"sent {tally.sent:,}"]
    if tally.stored:
        parts.append(f"stored by the broker {tally.stored:,}")
    if tally.new or tally.duplicate or not tally.stored:
        parts += [f"new {tally.new:,}", f"duplicate {tally.duplicate:,}"]
    parts.append(f"rejected {tally.rejected:,}")
    if tally.unreadable:
        parts.append(f"unreadable {tally.unreadable:,}")
    return ", ".join(parts)


def _as_json(tally: PublishTally) -> dict[str, object]:
    return {
        "sent": tally.sent,
        "new": tally.new,
        "duplicate": tally.duplicate,
        "rejected": tally.rejected,
        "stored": tally.stored,
        "unreadable": tally.unreadable,
        "rejections": [refused._asdict() for refused in tally.rejections],
        "problems": tally.problems,
        "notes": {text: noted.times for text, noted in tally.notes.items()},
    }
