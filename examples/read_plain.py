"""Read a range from an archive on this machine, in a program without an event loop.

python examples/read_plain.py /path/of/archive
"""

import json
import sys

from nova.sdk import BlockingClient, Filters, Query

query = Query(start_time="2026-01-01T00:00:00Z", filters=Filters(lanes=["parsed"]))
with BlockingClient.to_core(sys.argv[1]) as client:
    for stored in client.query(query):
        event = json.loads(stored)
        print(event["sourceTruthTime"], event["uniqueId"], event["payload"])
