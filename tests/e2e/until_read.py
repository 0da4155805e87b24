"""Waiting for the reader, which may be behind what was acknowledged on a busy machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nova.sdk.client.client import Client


async def until_read(data: Path, count: int) -> None:
    """Until the reader has read this number of events."""
    async with await Client.to_core(data) as client:
        while (await client.status()).events < count:
            await asyncio.sleep(0.05)
