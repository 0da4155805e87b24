"""A table of events has their times, ids and members, in their order."""

from __future__ import annotations

import math
import sys

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from nova.sdk import ColumnTable, EventTable, NovaError, timestamps
from nova.sdk.protocol.column_messages import ColumnsResponse, ColumnValues
from nova.sdk.protocol.message import Timebase
from tests.core.telling import START_NS

LAST_NS = START_NS + 987_654_321


def stored(place: int, payload: dict[str, object], **members: object) -> bytes:
    envelope = {
        "eventId": f"{place:064x}", "scopeId": "s", "lane": "parsed", "systemId": "bus",
        "containerId": "eps", "uniqueId": "battery",
        "sourceTruthTime": timestamps.text(START_NS + place), "messageType": "Battery",
        "payload": payload, "canonicalTruthTime": timestamps.text(LAST_NS + place), **members,
    }  # fmt: skip
    return msgspec.json.encode(envelope)


EVENTS = [
    stored(0, {"volts": 28, "on": True, "mode": "SAFE", "gps": {"lat": -0.5}, "cells": [1, 2.5]}),
    stored(1, {"volts": 28.25, "mode": "RUN", "mixed": 9007199254740991}),
    stored(2, {"on": False, "mode": None, "mixed": "?", "cells": []}),
    stored(3, {"mixed": True, "none": None}),
]
VOLTS, ON, LATITUDE = [28.0, 28.25, None, None], [True, None, False, None], [-0.5, None, None, None]


def test_each_event_is_a_row_of_typed_members() -> None:
    table = EventTable(EVENTS).to_arrow()
    assert table.schema.field("sourceTruthTime").type == pa.timestamp("ns", "UTC")
    sources = table["sourceTruthTime"].cast(pa.int64()).to_pylist()
    canonical = table["canonicalTruthTime"].cast(pa.int64()).to_pylist()
    assert sources == [START_NS + place for place in range(4)]
    assert canonical == [LAST_NS + place for place in range(4)]
    assert table["eventId"].to_pylist() == [f"{place:064x}" for place in range(4)]
    assert table["uniqueId"].to_pylist() == ["battery"] * 4
    assert table["payload.volts"].to_pylist() == VOLTS
    assert table["payload.on"].to_pylist() == ON
    assert table["payload.mode"].to_pylist() == ["SAFE", "RUN", None, None]
    assert table["payload.gps.lat"].to_pylist() == LATITUDE
    assert table["payload.cells"].to_pylist() == ["[1,2.5]", None, "[]", None]
    assert table["payload.mixed"].to_pylist() == [None, 9007199254740991.0, None, 1.0]
    assert table["payload.mixed (text)"].to_pylist() == [None, None, "?", None]
    assert table["payload.none"].null_count == 4


def test_rows_have_what_their_event_has() -> None:
    table = EventTable(EVENTS)
    *_, last = table.to_rows()
    assert last["payload.mixed"] == 1.0 and "payload.volts" not in last
    assert last["canonicalTruthTime"] == timestamps.text(LAST_NS + 3)
    assert (len(table), table.kinds["payload.on"]) == (4, "boolean")


def test_pandas_has_nanoseconds_in_utc_and_its_own_missing_values() -> None:
    frame = EventTable(EVENTS).to_pandas()
    assert str(frame.dtypes["sourceTruthTime"]) == "datetime64[ns, UTC]"
    assert frame["canonicalTruthTime"].astype("int64").tolist()[3] == LAST_NS + 3
    assert frame["payload.volts"].dtype == np.float64
    assert frame["payload.volts"].isna().tolist() == [False, False, True, True]
    assert frame["payload.on"].tolist() == [True, pd.NA, False, pd.NA]
    exact = EventTable(EVENTS).to_pandas(nullable=True)
    assert exact["payload.volts"].tolist() == [28.0, 28.25, pd.NA, pd.NA]
    assert exact["sourceTruthTime"].tolist()[1].value == START_NS + 1


def test_polars_has_nulls() -> None:
    frame = EventTable(EVENTS).to_polars()
    assert frame.schema["sourceTruthTime"] == pl.Datetime("ns", "UTC")
    assert frame["sourceTruthTime"].dt.timestamp("ns").to_list()[2] == START_NS + 2
    assert frame["payload.volts"].to_list() == VOLTS
    assert frame["payload.on"].to_list() == ON


def test_no_event_and_raw_frames_are_tables_too() -> None:
    empty = EventTable([])
    assert (len(empty), empty.to_arrow().num_rows, len(empty.to_pandas())) == (0, 0, 0)
    frame = {"lane": "raw", "bytes": "AAE=", "eventId": "0" * 64, "scopeId": "s"}
    ids = {"systemId": "bus", "containerId": "eps", "uniqueId": "radio"}
    time = timestamps.text(START_NS)
    raw = {**frame, **ids, "sourceTruthTime": time, "canonicalTruthTime": time}
    (row,) = EventTable([msgspec.Raw(msgspec.json.encode(raw))]).to_arrow().to_pylist()
    assert (row["messageType"], row["bytes"]) == (None, "AAE=")


@pytest.mark.parametrize("timebase", ["source", "canonical"])
def test_fields_become_frames_with_nan_and_absent_values_apart(timebase: Timebase) -> None:
    times = np.array([START_NS, START_NS + 1, START_NS + 2], "<i8")
    values = np.array([1.0, math.nan, 0.0], "<f8").tobytes()
    volts = ColumnValues(field="volts", kind="number", values=values, present=b"\3")
    mode = ColumnValues(
        field="mode", kind="string", values=bytes(12), texts=["SAFE"], present=b"\5"
    )
    on = ColumnValues(field="on", kind="boolean", values=b"\1\0\1", present=b"\3")
    page = ColumnsResponse(
        timebase=timebase, rows=3, times=times.tobytes(), columns=[volts, mode, on]
    )
    table = ColumnTable([page])
    name = f"{timebase}TruthTime"
    polars = table.to_polars()
    assert polars[name].dt.timestamp("ns").to_list() == times.tolist()
    assert math.isnan(polars["volts"][1]) and polars["volts"][2] is None
    assert polars["mode"].cast(pl.String).to_list() == ["SAFE", None, "SAFE"]
    pandas = table.to_pandas()
    assert pandas[name].astype("int64").tolist() == times.tolist()
    assert pandas["mode"].tolist() == ["SAFE", np.nan, "SAFE"]
    assert pandas["on"].tolist() == [True, False, pd.NA]
    exact = table.to_pandas(nullable=True)
    held = pa.array(exact["volts"].array).to_pylist()
    assert math.isnan(held[1]) and held[2] is None
    assert exact["mode"].tolist() == ["SAFE", pd.NA, "SAFE"]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_missing_library_is_named_with_what_installs_it(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    extra = "arrow" if library == "pyarrow" else library
    table = EventTable(EVENTS)
    with pytest.raises(NovaError, match=rf"{library} is not installed: .*nova-sdk\[{extra}\]"):
        getattr(table, f"to_{extra}")()
