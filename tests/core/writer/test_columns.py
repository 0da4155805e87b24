"""The native part and Python find the same events and refusals, to the byte."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence

import pytest

from nova.core.writer.columns import BatchColumns, check_records
from nova.sdk.events.checker import CACHE_MAX, Checker, RecordTuple
from nova.sdk.native import native_part
from tests.sdk.events.mutated_records import MutatedRecords, needs_native, with_payloads
from tests.sdk.events.test_checker import pump
from tests.sdk.manifests.test_manifest import MANIFEST

MAX_BYTES = 5_000
BATCH = 250
CODE_POINTS = 0x110000
CHUNK = 256
MANTISSAS = (0, 1, 0x5555555555555, 0xFFFFFFFFFFFFF, 0x8000000000000)


class Judges:
    """A checker in Python, and one with the native part, which see the same records."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cache_max: int = CACHE_MAX) -> None:
        def made(wanted: str) -> Checker:
            monkeypatch.setenv("NOVA_NATIVE", wanted)
            manifests = [MANIFEST]
            return Checker("sat", MAX_BYTES, manifests, own_scope="sat", cache_max=cache_max)

        self._python, self._native = made("0"), made("1")
        assert self._python.known is None and self._native.known is not None

    def compare(self, records: Sequence[RecordTuple]) -> int:
        """Hold both equal; returns how many of the records the native part left to Python."""
        expected, found = (check_records(records, judge) for judge in (self._python, self._native))
        assert told(found) == told(expected)
        assert self._native.known is not None
        return len(self._native.known.check(records).unsure)


def told(columns: BatchColumns) -> tuple[object, ...]:
    """What was found, with each event's series in place of its number, which may differ."""
    pairs = list(zip(columns.names, columns.versions, strict=True))
    series = [pairs[number] for number in columns.series]
    few = columns.sparse, columns.requests, columns.refusals
    return columns.keys, columns.bodies, series, *few


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> Judges:
    return Judges(monkeypatch)


@needs_native
@pytest.mark.parametrize(
    ("seed", "records"),
    [
        (1, 5_000),
        pytest.param(2, 1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(3_600)]),
    ],
)
def test_mutated_records_are_found_alike(judges: Judges, seed: int, records: int) -> None:
    """A-070…A-079: whatever the native part is not sure of, Python decides."""
    supply, left = MutatedRecords(seed), 0
    for _ in range(records // BATCH):
        left += judges.compare(supply.batch(BATCH))
    assert left < 0.75 * records, "the native part is sure of hardly anything"


def floats() -> Iterator[str]:
    """A float of every exponent, several mantissas and both signs, as Python prints it."""
    for exponent in range(2047):
        for mantissa in MANTISSAS:
            for sign in (0, 1 << 63):
                bits = sign | exponent << 52 | mantissa
                (value,) = struct.unpack("d", struct.pack("Q", bits))
                yield repr(value)


def powers() -> Iterator[str]:
    """Powers of ten, and neighbours, in several notations."""
    for exponent in range(-330, 310):
        for digits in ("1", "9.5", "1.2345678901234567", "99999999999999999"):
            yield f"{digits}e{exponent}"
            yield f"-{digits}E{exponent:+d}"


@needs_native
def test_every_exponent_is_printed_alike(judges: Judges) -> None:
    """RFC 8785: in the stored envelope and in the text that is hashed."""
    numbers = [*floats(), *powers()]
    payloads = [
        f'{{"n":[{",".join(numbers[start : start + 10])}]}}' for start in range(0, len(numbers), 10)
    ]
    records = with_payloads(payloads)
    judges.compare(records[:1])
    left = sum(judges.compare(records[at : at + BATCH]) for at in range(0, len(records), BATCH))
    assert left < 0.1 * len(records)  # Beyond the largest float is nothing.


@needs_native
@pytest.mark.parametrize("form", ["%s", "\\u%04x"])
@pytest.mark.parametrize("part", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_every_character_is_printed_alike(judges: Judges, form: str, part: int) -> None:
    """RFC 8785: as it is and escaped, surrogates included, in values and in keys."""

    def text(code: int) -> str:
        if form == "%s":
            return chr(code)
        if code < 0x10000:
            return form % code
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"

    payloads: list[str] = []
    for start in range(0, CODE_POINTS, part * CHUNK):
        texts = [text(code) for code in range(start, start + CHUNK)]
        payloads.append(f'{{"text":"{"".join(texts[1:])}","first":"{texts[0]}"}}')
        members = [f'"{one}":1' for one in (*texts[7::64], "z", "\ue000")]
        payloads.append(f"{{{','.join(members)}}}")
    for control in range(0x20):
        payloads += [f'{{"a":"{text(control)}"}}', f'{{"{text(control)}":1}}']
    records = with_payloads(payloads)
    for at in range(0, len(records), BATCH):
        judges.compare(records[at : at + BATCH])


@needs_native
def test_plain_events_are_left_to_nobody(judges: Judges) -> None:
    """It is sure of what telemetry mostly is, once it has seen the stream."""
    payloads = ['{"a":1,"b":-2.5,"c":"é \\n","d":[true,null,{"e":0.30000000000000004}]}', "{}"]
    records = with_payloads(payloads)
    judges.compare(records)
    assert judges.compare(records) == 0


@needs_native
def test_updates_are_left_to_python_only_where_their_manifest_refuses_them(judges: Judges) -> None:
    """AMB-48: by key and rule, also among updates that are allowed."""
    good, bad = pump({"flow": 1, "on": True, "name": None}), pump({"flow": 11})
    records: list[RecordTuple] = [(None, one, "") for one in (good, bad, good, bad, b"{}", good)]
    judges.compare(records[:1])
    assert judges.compare(records) == 3
    assert judges.compare(records[:1]) == 0


@needs_native
def test_streams_beyond_the_limit_are_learned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many streams there are, what is known of them stays small and is renewed."""
    judges = Judges(monkeypatch, cache_max=64)
    records = [
        (address, value.replace(b'"one"', b'"u%d"' % number), position)
        for number in range(150)
        for address, value, position in with_payloads(['{"a":1}'])
    ]
    for _ in range(3):
        for record in records:
            judges.compare([record])
            assert judges.compare([record]) == 0


def test_this_machine_says_whether_it_tests_the_native_part() -> None:
    """NOVA_NATIVE=1 is for runs that must not pass without it."""
    assert os.environ.get("NOVA_NATIVE") != "1" or native_part() is not None
