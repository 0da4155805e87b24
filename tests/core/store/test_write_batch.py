"""Rows of events in a write batch: the same from the native part and from Python."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from nova.core.ordering import order_key
from nova.core.store.archive import Archive
from nova.core.store.index_rows import INDEX_FAMILIES, index_rows
from nova.core.store.keys import EVENT_FAMILIES, event_keys
from nova.core.store.row_reader import RowReader
from nova.sdk.native import native_part
from tests.sdk.events.mutated_records import needs_native


@pytest.mark.parametrize("native", ["0", pytest.param("1", marks=needs_native)])
def test_each_family_gets_its_rows(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, native: str
) -> None:
    """A-037: late events, events of one time, of few and of many series."""
    monkeypatch.setenv("NOVA_NATIVE", native)
    dice = random.Random(3)
    expected = {name: dict[bytes, bytes]() for name in EVENT_FAMILIES}
    for first_ns in range(-3_000, 3_000, 250):
        count = dice.choice((0, 1, 2, 90, 250))
        numbers = [dice.choice((0, 1, dice.randrange(2**32))) for _ in range(count)]
        keys = event_keys(first_ns, numbers)
        source = [
            order_key(first_ns + dice.randrange(-9, 9), dice.randrange(5), dice.randbytes(32))
            for _ in numbers
        ]
        stored = [dice.randbytes(dice.choice((0, 5, 127, 128, 16_384))) for _ in numbers]
        batch = archive.batch()
        split = dice.randrange(count + 1)
        for part in (slice(0, split), slice(split, count)):
            batch.put_events(keys[part], source[part], stored[part])
        size = batch.size_bytes()
        assert batch.complete().size_in_bytes() == batch.size_bytes() == size
        archive.write(batch)
        expected["canonical"].update(zip(keys, stored, strict=True))
        for family in INDEX_FAMILIES:
            expected[family].update(index_rows(family, keys, source))
    for family, rows in expected.items():
        assert rows_of(archive, family) == sorted(rows.items())


@needs_native
def test_keys_of_other_sizes_are_refused() -> None:
    """The native part reads nothing beyond a key, and puts no rows of columns of other lengths."""
    native = native_part()
    assert native is not None
    put: list[tuple[object, ...]] = []
    for keys, order_keys in (([b"x" * 11], [b"y" * 41]), ([b"x" * 12], [b"y" * 40])):
        with pytest.raises(ValueError, match="too short or too long"):
            native.put_events(lambda *row: put.append(row), FAMILIES, [(keys, order_keys, [b""])])
    for order_keys, stored in (([], [b""]), ([b"y" * 41], [])):
        with pytest.raises(ValueError, match="as many"):
            native.put_events(
                lambda *row: put.append(row), FAMILIES, [([b"x" * 12], order_keys, stored)]
            )
    assert put == []


@needs_native
def test_what_putting_raises_is_raised() -> None:
    """A full disk or a closed batch, for instance."""
    native = native_part()
    assert native is not None

    def put(*_: object) -> None:
        raise RuntimeError("closed")

    with pytest.raises(RuntimeError, match="closed"):
        native.put_events(put, FAMILIES, [([b"x" * 12], [b"y" * 41], [b"{}"])])


FAMILIES = (1, 2, 3, 4)


def rows_of(archive: Archive, family: str) -> Sequence[tuple[bytes, bytes]]:
    blocks = RowReader(archive).blocks(family, b"", b"\xff" * 100)
    return [row for block in blocks for row in block]
