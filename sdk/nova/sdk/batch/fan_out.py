"""Fan-out: shards write their ranges to their own sinks at the same time."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Sequence

from nova.sdk.batch.shard_messages import SinkProgress, SinkRequest
from nova.sdk.batch.shard_process import ShardProcess
from nova.sdk.errors import NovaError

ProgressCallback = Callable[[Sequence[SinkProgress]], None]
"""Called with the progress of all shards."""


def run_shards(
    shards: Sequence[ShardProcess], sinks: Sequence[SinkRequest], watch: ProgressCallback
) -> list[SinkProgress]:
    """Run each shard on one range and sink; returns the final progress of each.

    Raises NovaError as soon as one fails.
    """
    latest = [SinkProgress(events=0, bytes=0, passed=0) for _ in sinks]
    with selectors.DefaultSelector() as selector:
        for index, (shard, sink) in enumerate(zip(shards, sinks, strict=True)):
            shard.send(sink)
            selector.register(shard, selectors.EVENT_READ, index)
        while not all(progress.is_done for progress in latest):
            for key, _ in selector.select():
                index = int(key.data)
                reply, _ = shards[index].reply()
                if not isinstance(reply, SinkProgress):
                    raise NovaError(
                        f"shard {index} sent {type(reply).__name__} instead of Progress"
                    )
                latest[index] = reply
            watch(latest)
    return latest
