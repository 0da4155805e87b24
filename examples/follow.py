"""Follow events as they are stored, and continue after a lost connection.

python examples/follow.py /path/of/archive
"""

import asyncio
import json
import sys
from pathlib import Path

from nova.sdk import Client, ConnectionLostError, Filters

RETRY_S = 1.0
BATTERIES = Filters(lanes=["parsed"], message_types=["Battery"])


async def follow(data: Path, after_key: str | None) -> str | None:
    """Print events until the connection is lost; returns the key of the last one."""
    try:
        # Over the network: Client.to_edge(url, await login(url, user, password)). An edge streams
        # the lanes metadata, command and ui only.
        async with await Client.to_core(data) as client:
            async for chunk in client.stream(
                "LIVE", timebase="canonical", filters=BATTERIES, after_key=after_key
            ):
                for stored in chunk.events:
                    event = json.loads(bytes(stored))
                    print(event["sourceTruthTime"], event["payload"], flush=True)
                # A stream that starts after this key misses nothing and repeats nothing. Chunks
                # of a LIVE stream have one in canonical time, the order in which events arrive.
                after_key = chunk.last_key or after_key
    except ConnectionLostError as error:
        print(f"{error}; next attempt in {RETRY_S:g} s", file=sys.stderr)
    return after_key


async def main(data: Path) -> None:
    after_key = None
    while True:
        after_key = await follow(data, after_key)
        await asyncio.sleep(RETRY_S)


asyncio.run(main(Path(sys.argv[1])))
