"""Follow events from now on, as they are stored, and continue after a lost connection.

python examples/follow.py /path/of/archive
"""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path

from nova.sdk import Client, ConnectionLostError, Filters, timestamps

RETRY_S = 1.0
BATTERIES = Filters(lanes=["parsed"], message_types=["Battery"])


async def follow(data: Path, since: str, after_key: str | None) -> str | None:
    """Print events until the connection is lost; returns the key of the last one."""
    try:
        # Over the network: Client.to_edge(url, await login(url, user, password)). If the clock of
        # that machine may be behind, begin earlier.
        async with await Client.to_core(data) as client:
            # A stream that starts after a key misses nothing and repeats nothing. While there is
            # none, every connection starts at the same time: what is stored between two of them
            # would be lost to a stream that starts at the present.
            async for chunk in client.stream(
                "LIVE",
                timebase="canonical",  # the order in which events arrive
                filters=BATTERIES,
                start_time=since if after_key is None else None,
                after_key=after_key,
            ):
                for stored in chunk.events:
                    event = json.loads(bytes(stored))
                    print(event["sourceTruthTime"], event["payload"], flush=True)
                after_key = chunk.last_key or after_key
    except ConnectionLostError as error:
        print(f"{error}; next attempt in {RETRY_S:g} s", file=sys.stderr)
    return after_key


async def main(data: Path) -> None:
    since, after_key = timestamps.text(timestamps.now()), None
    while True:
        after_key = await follow(data, since, after_key)
        await asyncio.sleep(RETRY_S)


with suppress(KeyboardInterrupt):  # Ctrl-C ends it
    asyncio.run(main(Path(sys.argv[1])))
