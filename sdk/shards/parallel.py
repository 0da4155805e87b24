"""Shards that bring their ranges to their own sinks at the same time, and how far they are."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Sequence

from sdk.errors import NovaError
from sdk.shards.messages import Progress, Sink
from sdk.shards.process import Shard

Watch = Callable[[Sequence[Progress]], None]
"""Takes how far each shard is."""


def side_by_side(shards: Sequence[Shard], sinks: Sequence[Sink], watch: Watch) -> list[Progress]:
    """Let each shard bring one range to its sink; returns what each has done.

    Raises NovaError as soon as one cannot go on.
    """
    told = [Progress(events=0, bytes=0, passed=0) for _ in sinks]
    with selectors.DefaultSelector() as selector:
        for index, (shard, sink) in enumerate(zip(shards, sinks, strict=True)):
            shard.send(sink)
            selector.register(shard, selectors.EVENT_READ, index)
        while not all(progress.is_done for progress in told):
            for key, _ in selector.select():
                index = int(key.data)
                reply, _ = shards[index].reply()
                if not isinstance(reply, Progress):
                    raise NovaError(f"shard {index} sent a {type(reply).__name__} for progress")
                told[index] = reply
            watch(told)
    return told
