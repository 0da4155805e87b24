"""`python -m bench.ui --data DIR`: latency of the requests for view states and entities,
at random times of an archive that is first grown to N updates.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import click
import msgspec

from bench import own
from bench.own import BATCH_EVENTS, ReaderSide, WriterSide
from bench.timeline import TIMEBASES, Waited, waited
from bench.ui_load import ENTITIES, Views, unit_of
from nova.core.ordering import Timebase
from nova.sdk import lifecycle
from nova.sdk.protocol.messages import Filters, GetUiState
from nova.sdk.timestamps import NS_MAX

UPDATES = 10_000_000
PAGE_ENTITIES = 1_000
SCREEN_VIEWS = 20


class UiRun(msgspec.Struct, kw_only=True):
    """One run: figures by kind of request and timebase, and what checkpoints took."""

    events: int
    checkpointed_hz: float
    waited: dict[str, Waited]


async def measured(reader: ReaderSide, asks: int, entities: int) -> dict[str, Waited]:
    """States of the busy view, of any view and of some at once, and pages of entities."""
    dice = random.Random(7)
    found: dict[str, Waited] = {}
    for timebase in TIMEBASES:
        low, high = reader.bounds(timebase)

        def moment(low: int = low, high: int = high) -> int:
            return dice.randrange(low, high)

        async def state_of(unit: int, timebase: Timebase = timebase) -> object:
            request = GetUiState(filters=Filters(unique_id=unit_of(unit)))
            return await reader.ui_state(request, timebase, moment())

        async def some(timebase: Timebase = timebase) -> object:
            at_ns, first = moment(), str(dice.randrange(entities))
            request = GetUiState(limit=SCREEN_VIEWS, after_key=first, updates=False)
            return await reader.ui_state(request, timebase, at_ns)

        async def page(limit: int, timebase: Timebase = timebase) -> object:
            return await reader.discover(timebase, moment(), limit)

        async def present(timebase: Timebase = timebase) -> object:
            return await reader.discover(timebase, NS_MAX, entities)

        kinds: dict[str, tuple[int, Callable[[], Awaitable[object]]]] = {
            "state of the busy view": (asks, lambda: state_of(0)),
            "state of any view": (asks, lambda: state_of(dice.randrange(entities))),
            f"states of {SCREEN_VIEWS} views": (asks // 5, some),
            f"discover, a page of {PAGE_ENTITIES:,}": (asks // 5, lambda: page(PAGE_ENTITIES)),
            f"discover, all {entities:,}": (asks // 20, lambda: page(entities)),
            f"discover, all {entities:,} of the present": (asks // 5, present),
        }
        for kind, (count, ask) in kinds.items():
            found[f"{kind}, {timebase}"] = await waited(max(count, 1), ask)
    return found


@click.command()
@click.option("--updates", type=click.IntRange(min=1_000), default=UPDATES, show_default=True)
@click.option("--asks", type=click.IntRange(min=1), default=1_000, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The archive.")
def ui(updates: int, asks: int, data: Path) -> None:
    """Grow an archive, checkpoint it, and measure requests at random times; prints JSON."""
    lifecycle.collect_garbage_rarely()
    data.mkdir(parents=True, exist_ok=True)
    entities = min(ENTITIES, updates // 10)
    work = Views(updates, entities)
    with WriterSide(data) as store:
        if store.events < updates + entities:
            store.ingest(work.batches(BATCH_EVENTS, store.events))
        held = store.events
    taken, seconds = own.checkpoint(data)
    with tempfile.TemporaryDirectory() as scratch, ReaderSide(data, Path(scratch)) as reader:
        found = asyncio.run(measured(reader, asks, entities))
    run = UiRun(events=held, checkpointed_hz=taken / seconds if taken else 0.0, waited=found)
    click.echo(msgspec.json.format(msgspec.json.encode(run)).decode())


if __name__ == "__main__":
    ui()
