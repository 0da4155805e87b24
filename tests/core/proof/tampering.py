"""A tool that rewrites an archive as somebody would who knows its layout: eventIds, every index,
rollups, counts and seals agree again afterwards.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.core.derived.day_sealer import DaySealer
from nova.core.ordering import EVENT_KEY_BYTES, TIME_BYTES, order_key, time_key, time_of
from nova.core.proof.row_search import FIRST, LAST
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import DurabilityMarker, write_marker
from nova.core.store.keys import series_source_key
from nova.core.store.rollup import ROLLUP_PREFIX
from nova.core.store.roots_file import roots_path
from nova.core.store.row_reader import RowReader
from nova.core.store.write_batch import ArchiveBatch
from nova.core.utc_day import day_of
from nova.core.writer.committer import Committer
from nova.sdk.events.day_seal import read_seal, seal_event, seal_hash
from nova.sdk.events.event import check, check_stored, without_stamp

DIGITS = b"0123456789abcdef"


class StoredEvent(NamedTuple):
    """One event with both keys."""

    event_key: bytes
    source_key: bytes
    stored: bytes

    @property
    def day(self) -> str:
        return day_of(time_of(self.event_key))


class Tamperer:
    """Changes one archive by a seed. `kept` is a copy of the roots, which only one tampering
    changes.
    """

    def __init__(self, data: Path, kept: Path, seed: int) -> None:
        self._data = data
        self._kept = kept
        self._dice = random.Random(seed)
        self._archive = Archive.open_primary(data)
        self.events = [
            StoredEvent(key, _source_key(stored), stored)
            for key, stored in self._archive.events.scan("canonical")
        ]
        self._sealed = [day for day, _ in self._archive.record.seals()]

    def tamper(self, way: str) -> None:
        """Do it, and make all that is counted agree."""
        WAYS[way](self)
        self._archive.sync()
        self._archive.close()

    def _change(
        self, gone: list[StoredEvent], come: list[StoredEvent], batch: ArchiveBatch | None = None
    ) -> None:
        """Replace events with all their rows, and have the rollups counted again."""
        batch = batch or self._archive.batch()
        handles = batch._handles  # noqa: SLF001
        for one in gone:
            series, at = one.event_key[TIME_BYTES:], one.event_key[:TIME_BYTES]
            batch.raw.delete(one.event_key, handles["canonical"])
            batch.raw.delete(one.source_key, handles["source"])
            batch.raw.delete(series + at, handles["series_canonical"])
            batch.raw.delete(series_source_key(series, one.source_key), handles["series_source"])
        if come:
            batch.put_events(*zip(*sorted(come), strict=True))
        counters = self._archive.record.counters()
        counters.events += len(come) - len(gone)
        batch.put_record(catalog.COUNTERS_KEY, catalog.encode_counters(counters))
        batch.delete_records(ROLLUP_PREFIX, ROLLUP_PREFIX + b"\xff")
        self._archive.write(batch)
        write_marker(self._data, DurabilityMarker(sequence=0, canonical_ns=0, events=0))
        Committer(self._archive, self._data)  # It counts the rollups again.

    def one(self, *, sealed: bool = True) -> StoredEvent:
        """An event of a producer, on a sealed day."""
        return self._dice.choice(
            [one for one in self.events if one.day in self._sealed and b'"nova"' not in one.stored]
        )

    def delete(self) -> None:
        self._change([self.one()], [])

    def insert(self) -> None:
        like = self.one()
        at = time_of(like.event_key) + self._dice.randrange(1, 10**6) * 10**3 + 7
        self._change([], [self._altered(like, at)])

    def change(self) -> None:
        like = self.one()
        self._change([like], [self._altered(like, time_of(like.event_key))])

    def swap(self) -> None:
        """Exchange the times of two events."""
        while True:
            one, other = self.one(), self.one()
            if one.stored != other.stored:
                break
        come = [
            _stored(one, time_of(other.event_key)),
            _stored(other, time_of(one.event_key)),
        ]
        self._change([one, other], come)

    def reseal(self) -> None:
        """Delete an event, and make every seal anew from the tampered day on."""
        self.delete()
        self._rewrite_seals()

    def change_seal(self) -> None:
        """Change one seal, whose own hash and event are right afterwards."""
        day, key = self._dice.choice(self._archive.record.seals())
        (held,) = [one for one in self.events if one.source_key == key]
        seal = read_seal(held.stored)
        assert seal is not None
        seal = msgspec.structs.replace(seal, root=self._dice.randbytes(32).hex())
        self._replace_seal(held, msgspec.structs.replace(seal, hash=seal_hash(seal)), day)

    def _replace_seal(self, held: StoredEvent, seal: object, day: str) -> None:
        source_ns = time_of(held.source_key)
        event = seal_event(seal, "sat", source_ns)  # type: ignore[arg-type]
        key = order_key(event.source_ns, event.lane, event.event_id)
        new = StoredEvent(held.event_key, key, event.stamped(time_of(held.event_key)))
        batch = self._archive.batch()
        batch.put_record(catalog.seal_key(day), key)
        self._change([held], [new], batch)

    def _rewrite_seals(self) -> None:
        sealer = DaySealer(self._archive)
        sealer.seals = []
        by_key = {one.source_key: one for one in self.events}
        for day, key in self._archive.record.seals():
            *_, seal = sealer.seal(day)
            assert seal is not None
            sealer.seals.append(seal)
            self._replace_seal(by_key[key], seal, day)
        roots_path(self._data).unlink()

    def drop_last_day(self) -> None:
        """All events of the last sealed day, its seal, and what came after."""
        last = self._sealed[-1]
        batch = self._archive.batch()
        batch.delete_record(catalog.seal_key(last))
        self._change([one for one in self.events if one.day >= last], [], batch)
        roots_path(self._data).unlink()

    def alter_roots(self) -> None:
        content = bytearray(self._kept.read_bytes())
        digits = [n for n, byte in enumerate(content) if chr(byte) in "0123456789abcdef"]
        place = self._dice.choice(digits)
        content[place] = self._dice.choice(
            [one for one in b"0123456789abcdef" if one != content[place]]
        )
        self._kept.write_bytes(content)

    def add_row(self) -> None:
        """A row that belongs to no event, in one of the indexes."""
        one, batch = self.one(), self._archive.batch()
        family = self._dice.choice(("source", "series_canonical", "series_source"))
        key = bytearray(self._row(one, family)[0])
        key[self._dice.randrange(len(key) - TIME_BYTES, len(key))] ^= 1 << self._dice.randrange(8)
        batch.raw.put(bytes(key), self._row(one, family)[1], batch._handles[family])  # noqa: SLF001
        self._archive.write(batch)

    def drop_row(self) -> None:
        one, batch = self.one(), self._archive.batch()
        family = self._dice.choice(("source", "series_canonical", "series_source"))
        batch.raw.delete(self._row(one, family)[0], batch._handles[family])  # noqa: SLF001
        self._archive.write(batch)

    def _row(self, one: StoredEvent, family: str) -> tuple[bytes, bytes]:
        at, series = one.event_key[:TIME_BYTES], one.event_key[TIME_BYTES:EVENT_KEY_BYTES]
        return {
            "source": (one.source_key, one.event_key),
            "series_canonical": (series + at, b""),
            "series_source": (series_source_key(series, one.source_key), at),
        }[family]

    def miscount(self) -> None:
        """One of the rollups, or a catalog record that NOVA does not know."""
        rows = {
            key: value
            for block in RowReader(self._archive).blocks("catalog", FIRST, LAST)
            for key, value in block
            if key.startswith(ROLLUP_PREFIX) and len(key) > 20
        }
        batch = self._archive.batch()
        key = self._dice.choice([*rows, b"more/things"])
        value = rows.get(key, b"\x01")
        batch.put_record(key, value[:-1] + bytes((value[-1] + 1 & 0xFF,)))
        self._archive.write(batch)

    def _altered(self, like: StoredEvent, at_ns: int) -> StoredEvent:
        """A well-formed event of the same series with another content."""
        members = msgspec.json.decode(without_stamp(like.stored))
        del members["eventId"]
        number = self._dice.randrange(10**9)
        if members["lane"] == "raw":
            members["bytes"] = number.to_bytes(9, "big")
        else:
            members["data" if members["lane"] == "ui" else "payload"] = {"n": number}
        event = check(msgspec.json.encode(members))
        key = time_key(at_ns) + like.event_key[TIME_BYTES:]
        source_key = order_key(event.source_ns, event.lane, event.event_id)
        return StoredEvent(key, source_key, event.stamped(at_ns))


def _source_key(stored: bytes) -> bytes:
    event, _ = check_stored(stored)
    return order_key(event.source_ns, event.lane, event.event_id)


def _stored(one: StoredEvent, at_ns: int) -> StoredEvent:
    event = check(without_stamp(one.stored))
    return StoredEvent(
        time_key(at_ns) + one.event_key[TIME_BYTES:], one.source_key, event.stamped(at_ns)
    )


WAYS: dict[str, Callable[[Tamperer], None]] = {
    way.__name__: way
    for way in (
        Tamperer.delete,
        Tamperer.insert,
        Tamperer.change,
        Tamperer.swap,
        Tamperer.reseal,
        Tamperer.change_seal,
        Tamperer.drop_last_day,
        Tamperer.alter_roots,
        Tamperer.add_row,
        Tamperer.drop_row,
        Tamperer.miscount,
    )
}
