"""A host that notes each command it takes, durably enough to outlive its own kill.

python taking_host.py URL SCOPE FILE
"""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec

from nova.sdk.transport.base import connect


async def main(url: str, scope_id: str, path: str) -> None:
    """Note commandIds for ever; says a line once it hears every command."""
    transport, ready = connect(url), asyncio.Event()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    saying = asyncio.create_task(_say(ready))
    async for record in transport.commands(scope_id, ready):
        os.write(file, msgspec.json.decode(record.value)["commandId"].encode() + b"\n")
    await saying


async def _say(ready: asyncio.Event) -> None:
    await ready.wait()
    print("listening", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
