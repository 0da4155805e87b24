"""Read a range from an archive on this machine; `follow.py` reads over the network.

python examples/read.py /path/of/archive
"""

import asyncio
import json
import sys
from pathlib import Path

from nova.sdk import Client, Filters, Query


async def main(data: Path) -> None:
    query = Query(start_time="2026-01-01T00:00:00Z", filters=Filters(lanes=["parsed"]))
    async with await Client.to_core(data) as client:
        async for stored in client.query(query):
            event = json.loads(stored)
            print(event["sourceTruthTime"], event["uniqueId"], event["payload"])


asyncio.run(main(Path(sys.argv[1])))
