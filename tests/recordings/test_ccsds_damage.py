"""CCSDS recordings with planted faults: beside `space_packet_parser`, cut, overlapping, mutated."""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from nova.recordings.ccsds import CcsdsReader
from nova.recordings.packet_time import TimeSource
from nova.recordings.packets import CONTINUATION, FIRST, LAST, PACKET_MAX_BYTES, WHOLE
from nova.recordings.recording import RecordingError
from nova.recordings.xtce import XtceDefinition
from nova.recordings.xtce_values import json_value
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage
from nova.sdk.events.observation import Observer
from nova.sdk.optional_imports import import_optional
from tests.laws import some_of
from tests.made_packets import orbit_packets
from tests.recordings.packet_files import APID, housekeeping, packet, xtce_file
from tests.recordings.reading import Everything, everything

EPOCH = timestamps.parse("2026-01-01T00:00:00Z")
SECONDS = TimeSource("SECS", "s", EPOCH)
FIELDS = [(f"V{number}", "U16") for number in range(20)]
MUTATED = 100
MUTATED_ALL = 20_000


class Written(NamedTuple):
    """A file as it should be, and the same with bytes that are no packet between."""

    clean: bytes
    damaged: bytes


def written(seed: int) -> Written:
    """Reports of one APID, whole and in segments, with packets of others among them."""
    chance = random.Random(seed)
    clean, damaged, count, others = b"", b"", 16_000, 0
    for number in range(60):
        body = housekeeping(1000 + number) + chance.randbytes(40)
        cuts = sorted(chance.sample(range(5, 44), chance.choice((0, 0, 1, 2, 3))))
        parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, 44], strict=True)]
        for place, part in enumerate(parts):
            flags = _flags(place, len(parts))
            made = packet(APID, count % 16384, part, flags=flags)
            count += 1
            if chance.random() < 0.3:
                made += packet(900, others, chance.randbytes(chance.randrange(1, 50)))
                others += 1
            clean += made
            noise = chance.choice((3, 17, 600)) if number > 20 and chance.random() < 0.1 else 0
            damaged += chance.choice((chance.randbytes(noise), bytes(noise))) + made
    return Written(clean, damaged)


def _flags(place: int, count: int) -> int:
    if count == 1:
        return WHOLE
    return FIRST if place == 0 else LAST if place == count - 1 else CONTINUATION


def by_library(xtce: Path, data: bytes) -> list[Mapping[str, object]]:
    """The reports that `space_packet_parser` reads, of segments that it joins itself."""
    definitions = import_optional("space_packet_parser.xtce.definitions")
    definition = definitions.XtcePacketDefinition.from_xtce(xtce)
    generator = import_optional("space_packet_parser.generators.ccsds").ccsds_generator
    found: list[Mapping[str, object]] = []
    for one in generator(io.BytesIO(data), combine_segmented_packets=True):
        if one.apid == APID:
            values = definition.parse_bytes(one)
            found.append({name: json_value(value) for name, value in values.items()})
    return found


@pytest.mark.parametrize("seed", some_of(range(8), 2))
def test_beside_space_packet_parser(tmp_path: Path, seed: int) -> None:
    """Every value of every report, joined or not, and every time; also with damage, which the
    library does not read over.
    """
    xtce, made = xtce_file(tmp_path, FIELDS), written(seed)
    wanted = by_library(xtce, made.clean)
    assert len(wanted) == 60
    for data in made:
        path = tmp_path / "packets"
        path.write_bytes(data)
        reader = CcsdsReader(path, Observer("t"), definition=XtceDefinition(xtce), time=SECONDS)
        found = [
            (event.source_ns, event.envelope.payload)
            for event in everything(reader.steps()).events
            if isinstance(event.envelope, ParsedMessage)
        ]
        assert [payload for _, payload in found] == wanted
        assert [at_ns - EPOCH for at_ns, _ in found] == [(1000 + n) * 10**9 for n in range(60)]


def read(path: Path, data: bytes, time: TimeSource | None = None) -> Everything:
    """All of a file with CDS times."""
    path.write_bytes(data)
    return everything(CcsdsReader(path, Observer("t"), time=time).steps())


@pytest.mark.parametrize("seed", some_of(range(10), 3))
def test_any_order_and_overlap_has_the_same_events(tmp_path: Path, seed: int) -> None:
    """Parts, overlapping parts and shuffled packets: the same ids at the same times."""
    chance = random.Random(seed)
    path, whole = tmp_path / "orbit", orbit_packets(60)
    size = len(whole) // 60
    one = set(read(path, whole).ids)
    begin, end = sorted(chance.sample(range(3, 57), 2))
    parts = [whole[: end * size], whole[begin * size :]]
    assert {one for part in parts for one in read(path, part).ids} == one
    made = [whole[at : at + size] for at in range(0, len(whole), size)]
    chance.shuffle(made)
    assert set(read(path, b"".join(made)).ids) == one


@pytest.mark.parametrize("seed", some_of(range(4), 2))
def test_segments_have_their_groups_time_in_any_order(tmp_path: Path, seed: int) -> None:
    """Before, a continuation before its first segment, or a copy, took the report's before."""
    chance = random.Random(seed)
    xtce = XtceDefinition(xtce_file(tmp_path, FIELDS))
    made, count = [], 16_370
    for number in range(40):
        body = housekeeping(1000 + number) + chance.randbytes(40)
        size = chance.randrange(1, 6)
        cuts = sorted(chance.sample(range(5, 44), size - 1))
        for place, (a, b) in enumerate(zip([0, *cuts], [*cuts, 44], strict=True)):
            made.append(packet(APID, count % 16384, body[a:b], flags=_flags(place, size)))
            count += 1

    def ids(packets: list[bytes]) -> set[str]:
        path = tmp_path / "packets"
        path.write_bytes(b"".join(packets))
        reader = CcsdsReader(path, Observer("t"), definition=xtce, time=SECONDS)
        found = everything(reader.steps()).events
        # The layout of the messages has the time of the first one that came.
        return {one.event_id.hex() for one in found if one.series.lane != "metadata"}

    wanted = ids(made)
    assert len(wanted) == len(made) + 40
    pairs = [one for at in range(0, len(made), 2) for one in reversed(made[at : at + 2])]
    near = sorted(range(len(made)), key=lambda place: place + 20 * chance.random())
    behind = [
        one
        for at in range(len(made) + 30)
        for one in made[at : at + 1] + made[at - 30 : at - 29] * (at >= 30)
    ]
    orders = (made[::-1], pairs, [made[at] for at in near], made * 2, behind)
    for order in orders:
        assert ids(order) == wanted


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A file with some faults: flipped, cut out, doubled, foreign and zero bytes."""
    out = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(out) + 1)
        size = chance.choice((1, 2, 7, 64, 700))
        fault = chance.randrange(5)
        if fault == 0:
            out[at : at + 1] = chance.randbytes(1)
        elif fault == 1:
            del out[at : at + size]
        elif fault == 2:
            out[at:at] = out[at : at + size]
        elif fault == 3:
            out[at:at] = chance.randbytes(size)
        else:
            out[at:at] = bytes(size)
    return bytes(out)


def check_mutated(folder: Path, begin: int, count: int) -> None:
    """No file ends in anything but events, problems, or one clear error."""
    definition = XtceDefinition(xtce_file(folder, FIELDS))
    base = [written(1).clean[:2000], orbit_packets(30), bytes(64) + orbit_packets(3)]
    path = folder / "mutated"
    for seed in range(begin, begin + count):
        chance = random.Random(seed)
        path.write_bytes(mutated(chance.choice(base), chance))
        code = chance.choice((None, "cds", "cuc", "cuc:4+2@1", "cds:p"))
        time = SECONDS if seed % 3 else TimeSource.from_options(code, "s", EPOCH, "gps")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reader = CcsdsReader(path, Observer("t"), definition=definition, time=time)
            try:
                found = everything(reader.steps())
            except RecordingError:
                continue
        assert found.end_bytes == path.stat().st_size


def test_mutated_files_end_in_words(tmp_path: Path) -> None:
    """Before, one in some thousand ended in a traceback."""
    check_mutated(tmp_path, 0, MUTATED)


@pytest.mark.slow
def test_many_mutated_files_end_in_words(tmp_path: Path) -> None:
    """The same in full."""
    check_mutated(tmp_path, MUTATED, MUTATED_ALL)


def test_one_packet_is_never_longer_than_packets_are(tmp_path: Path) -> None:
    """Megabytes of noise cost no more than their size in memory, and are reported as one piece."""
    noise = b"\xff" + random.Random(1).randbytes(4 * PACKET_MAX_BYTES)
    found = read(tmp_path / "noise", orbit_packets(5) + noise + orbit_packets(8)[5 * 54 :])
    assert found.lanes == {"raw": 8}
    assert len(found.problems) == 1
    assert f"{len(noise):,} bytes skipped" in found.problems[0]
