"""The fast check of stored events agrees with the validator, for whole events and changed ones."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nova.core.ordering import order_key, time_of
from nova.core.proof.event_check import EventCheck
from nova.core.store.key_value import KeyValue
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.event import Series, check_stored
from nova.sdk.manifests import manifest_files
from tests.core.derived.sealing import DAY_NS, SealedArchive
from tests.core.writer.corpus import Corpus
from tests.sdk.events.mutated_records import needs_native

MANIFESTS = [file.manifest for file in manifest_files.load(None)]


def stored_corpus(folder: Path) -> tuple[list[KeyValue], list[Series]]:
    """Stored events of every kind, and the series of their archive."""
    made, corpus = SealedArchive(folder), Corpus(7, MANIFESTS, DAY_NS)
    made.put(DAY_NS + 1, [corpus.record() for _ in range(400)])
    rows = list(made.archive.events.scan("canonical"))
    names = [series for _, series in made.archive.record.series()]
    made.close()
    return rows, names


def validated(row: KeyValue, names: list[Series]) -> bytes | None:
    """The order key by the validator; None if the row is no event of the archive."""
    key, stored = row
    try:
        event, canonical_ns = check_stored(stored)
    except EnvelopeError:
        return None
    is_same = names[int.from_bytes(key[8:], "big")] == event.series
    is_right = canonical_ns == time_of(key) and is_same
    return order_key(event.source_ns, event.lane, event.event_id) if is_right else None


@pytest.mark.parametrize("native", ["0", pytest.param("1", marks=needs_native)])
@pytest.mark.parametrize("changes", [1_000, pytest.param(30_000, marks=pytest.mark.slow)])
def test_it_agrees_with_the_validator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native: str, changes: int
) -> None:
    """Bytes changed anywhere, members exchanged, keys of other events: the same verdict, with the
    native part and without.
    """
    monkeypatch.setenv("NOVA_NATIVE", native)
    rows, names = stored_corpus(tmp_path)
    check = EventCheck(names)
    for _ in range(2):  # The native part learns from the first.
        whole = check.check(rows)
        assert whole.faults == []
        assert whole.source_keys() == [validated(row, names) for row in rows]
    for key, stored in rows:
        for behind in (
            b',"payload":{"a":1}}',
            b',"sourceTruthTime":"2026-01-01T00:00:00Z"}',
            b" }",
        ):
            assert check.check([(key, stored[:-1] + behind)]).faults
    dice, verdicts = random.Random(3), set()
    for _ in range(changes):
        key, stored = dice.choice(rows)
        changed = bytearray(stored)
        place = dice.randrange(len(changed))
        changed[place : place + dice.randrange(2)] = bytes((dice.choice(stored),))
        row = dice.choice(((key, bytes(changed)), (dice.choice(rows)[0], stored)))
        wanted = validated(row, names)
        found = check.check([row])
        assert found.source_keys() == ([] if wanted is None else [wanted]), row
        assert len(found.faults) == (wanted is None)
        verdicts.add(wanted is None)
    assert verdicts == {True, False}
