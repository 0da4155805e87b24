"""JSON lines: published byte for byte, to the address that the envelope names."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from nova.recordings.jsonl import LINE_MAX_BYTES, JsonLinesReader
from nova.recordings.recording import Step
from nova.sdk import timestamps


def steps_of(folder: Path, *lines: bytes) -> list[Step]:
    """The steps of a file with these lines."""
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(lines))
    return list(JsonLinesReader(path, "mine").steps())


def entity(**changes: object) -> dict[str, object]:
    """An envelope's address members, some of them changed."""
    whole = {"scopeId": "s", "lane": "raw", "systemId": "a", "containerId": "b", "uniqueId": "c"}
    return {**whole, **changes}


@pytest.mark.parametrize(
    ("envelope", "address"),
    [
        (entity(), "nova.s.raw.a.b.c.v1"),
        (entity(scopeId=None), "nova.mine.raw.a.b.c.v1"),
        (entity(systemId=None), "nova.s.raw.v1"),
        (entity(systemId="a b"), "nova.s.raw.v1"),
        (entity(systemId=5), "nova.s.raw.v1"),
        ({"lane": "raw", "systemId": "a"}, "nova.mine.raw.v1"),
        (
            {"scopeId": "s", "lane": "metadata", "uniqueId": "__scope__"},
            "nova.s.metadata.__scope__.__scope__.__scope__.v1",
        ),
        (entity(lane="command", requestId="r1"), "nova.s.command.a.b.c.v1"),
        (entity(lane=None), None),
        (entity(lane="video"), None),
        (entity(scopeId="a b"), None),
        (entity(scopeId=7), None),
        ([1], None),
    ],
)
def test_address_is_read_from_the_envelope(
    tmp_path: Path, envelope: object, address: str | None
) -> None:
    """AMB-11: all that the envelope says, else scope and lane, else none; never a dispatch."""
    line = msgspec.json.encode(envelope)
    (step,) = steps_of(tmp_path, line)
    assert step.records == ((address, line, ""),)
    assert step.problem is None


@pytest.mark.parametrize("line", [b"{broken", b"\xef\xbb\xbf{}", b'"\xff"', b"[" * 100_000])
def test_line_that_is_no_json_is_published_without_address(tmp_path: Path, line: bytes) -> None:
    """Invariant 7: the Core records its rejection; nothing is swallowed on the way."""
    (step,) = steps_of(tmp_path, line)
    assert step.records == ((None, line, ""),)


def test_lines_are_published_as_they_are(tmp_path: Path) -> None:
    """Blanks in a line, its order, an invalid one: untouched. Empty lines are none."""
    lines = [b' {"b": 1,  "a":2} ', b"", b"\xff\xfe", b"  ", b'{"a":1}']
    steps = steps_of(tmp_path, *lines)
    assert [step.records[0].value for step in steps] == [lines[0], lines[2], lines[4]]
    assert [step.place for step in steps] == ["line 1", "line 3", "line 5"]
    assert steps[-1].offset_bytes == sum(len(line) for line in lines) + 4


def test_source_time_sets_the_pace(tmp_path: Path) -> None:
    """A line whose time can be read has one; the others follow at once."""
    times = [b'{"sourceTruthTime":"2026-01-01T00:00:00Z"}', b'{"sourceTruthTime":"soon"}', b"{}"]
    steps = steps_of(tmp_path, *times, b'{"sourceTruthTime":5}')
    known = timestamps.parse("2026-01-01T00:00:00Z")
    assert [step.source_ns for step in steps] == [known, None, None, None]


def test_line_beyond_all_bounds_is_a_problem(tmp_path: Path) -> None:
    """Bounded memory: it is measured and named, and the next line is read."""
    long, short = steps_of(tmp_path, b"x" * (LINE_MAX_BYTES + 1), b"{}")
    assert long.records == ()
    assert long.problem is not None
    assert f"the limit is {LINE_MAX_BYTES}" in long.problem
    assert short.records[0].value == b"{}"
