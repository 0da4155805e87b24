"""Replay a range into a pandas DataFrame, a row for each event, indexed by source time.

pip install pandas
python examples/replay_to_pandas.py /path/of/archive 2026-01-31T12:00:00Z 2026-01-31T13:00:00Z
"""

import json
import sys

import pandas as pd

from nova.sdk import BlockingClient, Filters

data, start, stop = sys.argv[1:]
rows = []
with BlockingClient.to_core(data) as client:
    # "max": as fast as this program reads. The events and their order are those of any other rate.
    for chunk in client.stream(
        "REPLAY",
        start_time=start,
        stop_time=stop,
        rate="max",
        filters=Filters(lanes=["parsed"], message_types=["Battery"]),
    ):
        for stored in chunk.events:
            event = json.loads(bytes(stored))
            rows.append({"time": event["sourceTruthTime"], **event["payload"]})

frame = pd.DataFrame(rows, columns=["time", "volts"])
frame = frame.set_index(pd.DatetimeIndex(frame.pop("time"), dtype="datetime64[ns, UTC]"))
print(frame.to_string())
print(frame.describe().to_string())
