"""Publish a value. The URL may be local:///DATA, kafka://HOST:PORT or nats://HOST:PORT.

python examples/publish.py local:///path/of/archive
"""

import asyncio
import sys

from nova.sdk import Entity, Producer, connect


async def main(url: str) -> None:
    async with Producer(connect(url), "sat1") as producer:
        now = producer.observe(Entity("bus", "eps", "battery"))
        receipt = await producer.send([now.parsed("Battery", {"volts": 28.1})])
        print(f"{receipt.new} stored, {receipt.duplicate} duplicates, rejected: {receipt.rejected}")


asyncio.run(main(sys.argv[1]))
