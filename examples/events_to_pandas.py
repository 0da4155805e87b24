"""Events of a range as a pandas DataFrame: address, times, and a column for each member.

pip install --find-links dist 'nova-sdk[pandas]==0.1.0'
python examples/events_to_pandas.py /path/of/archive 2026-01-31T12:00:00Z 2026-01-31T13:00:00Z
"""

import sys

from nova.sdk import BlockingClient, EventTable, Filters, Query

data, start, stop = sys.argv[1:]
query = Query(start_time=start, stop_time=stop, filters=Filters(message_types=["Battery"]))
with BlockingClient.to_core(data) as client:
    frame = EventTable(client.query(query)).to_pandas()
battery = frame.set_index("sourceTruthTime")[["uniqueId", "payload.volts"]]
print(battery.to_string())
print(battery.groupby("uniqueId").mean().to_string())
