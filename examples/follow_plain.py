"""Follow parsed events through an edge, by an API key, from now on.

python examples/follow_plain.py http://127.0.0.1:8800 nova_…
"""

import json
import sys

from nova.sdk import BlockingClient, Filters

with BlockingClient.to_edge(sys.argv[1], sys.argv[2]) as client:
    for chunk in client.stream("LIVE", filters=Filters(lanes=["parsed"])):
        for stored in chunk.events:
            event = json.loads(bytes(stored))
            print(event["sourceTruthTime"], event["uniqueId"], event["payload"], flush=True)
