"""Drivers write the contents of events, however these are divided into calls (A-194…A-196)."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import duckdb
import msgspec
import pandas
import pyarrow.parquet as pq
import pytest
from mcap.reader import make_reader

from nova.core.drivers import parquet
from nova.core.drivers.csv_table import CsvTable
from nova.core.drivers.mcap import McapRecording
from nova.core.drivers.raw_binary import RawBinary
from nova.sdk.drivers.driver import Driver, DriverFile, SealedDriver
from nova.sdk.drivers.driver_stream import stream_of
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.events.event import check
from nova.sdk.events.member_cells import escape_formula
from tests.core.filing import arrivals

NAMES = ("csv", "jsonl", "mcap", "parquet", "positionCsv", "rawBinary")


def events(count: int = 300, kind: str | None = None) -> list[bytes]:
    """Stored envelopes, of one lane or type."""
    records = {record.value: None for record in arrivals(count)}
    stored = [check(record).stamped(number) for number, record in enumerate(records)]
    if kind is None:
        return stored
    return [one for one in stored if kind in (stream_of(one).lane, stream_of(one).stream_type)]


def made(driver: Driver, stored: list[bytes], cuts: list[int]) -> list[bytes]:
    """The parts of a file whose events came in these pieces."""
    if isinstance(driver, SealedDriver):
        out = io.BytesIO()
        driver.make((stored[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)), out)
        return [out.getvalue()]
    parts = [b""] * len(driver.parts(stream_of(stored[0])))
    file = DriverFile(sizes=[0] * len(parts))
    for start, stop in zip([0, *cuts], [*cuts, None], strict=True):
        piece = stored[start:stop]
        for number, data in enumerate(driver.write(piece, file)):
            parts[number] += data
            file.sizes[number] += len(data)
        file.events += len(piece)
        # It is written down and read again between the calls, as after a crash.
        file = msgspec.json.decode(msgspec.json.encode(file), type=DriverFile)
    return parts


@pytest.mark.parametrize("name", NAMES)
def test_bytes_do_not_depend_on_how_events_came(name: str) -> None:
    """A crash between any two calls leaves the same file."""
    small = {"parquet": parquet.Parquet(row_group_events=17)}
    driver = small.get(name) or DriverRegistry.load().named(name)
    stored = [event for event in events() if driver.takes(stream_of(event))]
    whole = made(driver, stored, [])
    dice = random.Random(name)
    for _ in range(20):
        cuts = sorted(dice.choices(range(len(stored) + 1), k=5))
        assert made(driver, stored, cuts) == whole


def test_raw_bytes_keep_their_boundaries() -> None:
    """A-195: the index separates each frame from the next."""
    stored = events(kind="raw")
    frames, index = made(RawBinary(), stored, [3])
    rows = list(csv.DictReader(io.StringIO(index.decode())))
    assert len(rows) == len(stored)
    for row, event in zip(rows, stored, strict=True):
        envelope = json.loads(event)
        start, size = int(row["offset"]), int(row["bytes"])
        number = int(envelope["sequence"])
        assert frames[start : start + size] == number.to_bytes(3, "big")
        assert (row["eventId"], row["sequence"]) == (envelope["eventId"], str(number))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Pitfalls row 31: names of columns and texts alike; numbers stay numbers."""
    stored = events(kind="ui")
    envelope = json.loads(stored[0])
    envelope["data"] = {"text": text, "number": -1.5}
    (data,) = made(CsvTable(), [json.dumps(envelope).encode()], [])
    (row,) = csv.DictReader(io.StringIO(data.decode(), newline=""))
    assert row["data.text"] == escape_formula(text) == "'" + text
    assert row["data.number"] == "-1.5"


def test_csv_loses_nothing_and_keeps_its_columns() -> None:
    """What a later event has beyond the first one's columns stands in `more`."""
    stored = events(kind="Count")
    odd = json.loads(stored[1])
    odd["payload"] = {"new": [1, {"a": None}], "n": 7}
    stored[1] = json.dumps(odd, separators=(",", ":")).encode()
    (data,) = made(CsvTable(), stored, [])
    frame = pandas.read_csv(io.BytesIO(data))
    assert len(frame) == len(stored)
    assert list(frame.columns)[:3] == ["canonicalTruthTime", "sourceTruthTime", "eventId"]
    assert json.loads(frame["more"][1]) == {"payload.new": '[1,{"a":null}]'}
    for event, told in zip(stored, frame.itertuples(index=False), strict=True):
        assert json.loads(event)["eventId"] == told.eventId
        assert str(json.loads(event)["payload"]["n"]) == str(told[4])


def test_parquet_is_typed_and_read_by_others(tmp_path: Path) -> None:
    """Pyarrow, pandas and DuckDB find every event with its values."""
    stored = events(kind="Count")
    (data,) = made(parquet.Parquet(row_group_events=50), stored, [])
    table = pq.read_table(io.BytesIO(data))
    assert pq.ParquetFile(io.BytesIO(data)).num_row_groups == -(-len(stored) // 50)
    types = {field.name: str(field.type) for field in table.schema}
    assert types["canonicalTruthTime"] == "timestamp[ns, tz=UTC]"
    assert (types["payload.n"], types["payload.deep.on"]) == ("string", "bool")
    frame = pandas.read_parquet(io.BytesIO(data))
    path = tmp_path / "x.parquet"
    path.write_bytes(data)
    columns = 'count(*), count("payload.n"), count("more")'
    found = duckdb.sql(f"select {columns} from read_parquet('{path}')")
    assert found is not None
    counted = found.fetchall()[0]
    texts = sum(isinstance(json.loads(event)["payload"]["n"], str) for event in stored)
    assert counted == (len(stored), texts, len(stored) - texts)
    for event, row in zip(stored, frame.to_dict("records"), strict=True):
        envelope = json.loads(event)
        n = envelope["payload"]["n"]
        assert row["eventId"] == envelope["eventId"]
        assert (row["payload.n"] if isinstance(n, str) else json.loads(row["more"])) in (
            n,
            {"payload.n": n},
        )
        assert row["payload.deep.on"] is envelope["payload"]["deep"]["on"]


def test_mcap_holds_every_envelope() -> None:
    """Its own reader checks the file, finds it by its index, and gives the events back."""
    stored = events()
    (data,) = made(McapRecording(), stored, [])
    reader = make_reader(io.BytesIO(data), validate_crcs=True)
    summary = reader.get_summary()
    assert summary is not None and summary.statistics is not None
    assert summary.statistics.message_count == len(stored)
    found = list(reader.iter_messages(log_time_order=True))
    assert [message.data for _, _, message in found] == stored
    for schema, channel, message in found:
        assert schema is not None and json.loads(schema.data)["type"] == "object"
        envelope = json.loads(message.data)
        stream = stream_of(message.data)
        assert channel.topic.split("/")[1:3] == [stream.scope_id, stream.lane]
        assert (channel.message_encoding, schema.encoding) == ("json", "jsonschema")
        assert f"{message.log_time % 10**9:09d}Z" == envelope["canonicalTruthTime"][-10:]
        assert message.publish_time > 10**18
