"""Deleted events are recognized by their ids, others are not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nova.core.ordering import order_key
from nova.core.store.archive import Archive
from nova.core.store.deleted_ids import DAY_NS, LEVELS, SLOT_MAX_EVENTS, deleted_rows, slot_level
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.telling import START_NS


@pytest.mark.parametrize("level", LEVELS)
def test_deleted_events_are_recognized_and_no_others(tmp_path: Path, level: int) -> None:
    draw = random.Random(level)
    archive = Archive.open_primary(tmp_path)
    times = [START_NS + draw.randrange(3 * DAY_NS) for _ in range(500)]
    times += [NS_MIN, NS_MAX, 0, 0]
    keys = [order_key(at_ns, 3, draw.randbytes(32)) for at_ns in times]
    for start in range(0, len(keys), 100):
        batch = archive.batch()
        event_key = (start + 1).to_bytes(8, "big") + b"\0\0\0\1"
        batch.put_records(deleted_rows(keys[start : start + 100], level, event_key))
        archive.write(batch)
        archive.deleted_ids.forget()
        assert all(map(archive.deleted_ids.has, keys[: start + 100]))
        assert not any(map(archive.deleted_ids.has, keys[start + 100 :]))
    others = [order_key(at_ns, 3, draw.randbytes(32)) for at_ns in times]
    assert not any(map(archive.deleted_ids.has, others))
    archive.close()


def test_slots_hold_few_events_and_are_few() -> None:
    for events in (1, 1_000, 50_000, 10**6, 10**8):
        level = slot_level(events)
        in_slot = events * (1 << level) / DAY_NS
        assert in_slot <= SLOT_MAX_EVENTS or level == LEVELS[0]
        assert in_slot > SLOT_MAX_EVENTS / 100 or level == LEVELS[-1]
