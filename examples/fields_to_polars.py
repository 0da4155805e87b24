"""A field over a span as a polars DataFrame: its mean of each minute.

pip install --find-links dist 'nova-sdk[polars]==0.1.0'
python examples/fields_to_polars.py /path/of/archive 2026-01-31T12:00:00Z 2026-01-31T13:00:00Z
"""

import sys
from typing import Any

import polars as pl

from nova.sdk import Columns, columns

ids = ["scope_id", "system_id", "container_id", "unique_id"]
battery: dict[str, Any] = dict(zip(ids, ["sat1", "bus", "eps", "battery"], strict=True))
request = Columns(**battery, lane="parsed", message_type="Battery", fields=["volts"])
data, request.start_time, request.stop_time = sys.argv[1:]
request.timebase = "source"
frame = columns(data, request).to_polars()
minutes = frame.group_by_dynamic("sourceTruthTime", every="1m").agg(pl.col("volts").mean())
for minute in minutes.to_dicts():
    print(minute["sourceTruthTime"], minute["volts"])
