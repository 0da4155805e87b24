"""Publish a value, in a program without an event loop.

python examples/publish_plain.py local:///path/of/archive
"""

import sys

from nova.sdk import BlockingProducer, Entity

with BlockingProducer(sys.argv[1], "sat1") as producer:
    now = producer.observe(Entity("bus", "eps", "battery"))
    receipt = producer.send([now.parsed("Battery", {"volts": 28.1})])
    print(f"{receipt.new} stored, {receipt.duplicate} duplicates, rejected: {receipt.rejected}")
