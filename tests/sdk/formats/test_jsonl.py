"""JSON lines: published byte for byte, to the address that the envelope names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdk import timestamps
from sdk.formats.jsonl import LINE_MAX_BYTES, JsonLinesReader
from sdk.formats.recording import Step

IDS = '"systemId":"a","containerId":"b","uniqueId":"c"'


def steps_of(folder: Path, *lines: bytes) -> list[Step]:
    """The steps of a file with these lines."""
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(lines))
    return list(JsonLinesReader(path, "mine").steps())


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ('{"scopeId":"s","lane":"raw",%s}' % IDS, "nova.s.raw.a.b.c.v1"),
        ('{"lane":"raw",%s}' % IDS, "nova.mine.raw.a.b.c.v1"),
        ('{"scopeId":null,"lane":"ui",%s}' % IDS, "nova.mine.ui.a.b.c.v1"),
        ('{"scopeId":"s","lane":"raw","systemId":"a"}', "nova.s.raw.v1"),
        ('{"scopeId":"s","lane":"raw","systemId":"a b","containerId":"b","uniqueId":"c"}', "nova.s.raw.v1"),
        ('{"scopeId":"s","lane":"raw","systemId":5,"containerId":"b","uniqueId":"c"}', "nova.s.raw.v1"),
        (
            '{"scopeId":"s","lane":"metadata","uniqueId":"__scope__"}',
            "nova.s.metadata.__scope__.__scope__.__scope__.v1",
        ),
        (
            '{"scopeId":"s","lane":"command","requestId":"r1","messageType":"CommandRequest",%s}' % IDS,
            "nova.s.command.a.b.c.v1",
        ),
        ('{"scopeId":"s",%s}' % IDS, None),
        ('{"scopeId":"s","lane":"video",%s}' % IDS, None),
        ('{"scopeId":"a b","lane":"raw",%s}' % IDS, None),
        ('{"scopeId":7,"lane":"raw",%s}' % IDS, None),
        ("[1]", None),
        ("{broken", None),
        ("\ufeff{}", None),
    ],
)  # fmt: skip
def test_address_is_read_from_the_envelope(tmp_path: Path, line: str, address: str | None) -> None:
    """AMB-11: all that the envelope says, else scope and lane, else none; dispatch addresses never."""
    (step,) = steps_of(tmp_path, line.encode())
    (record,) = step.records
    assert record == (address, line.encode(), "")
    assert step.problem is None


def test_lines_are_published_as_they_are(tmp_path: Path) -> None:
    """Blanks inside a line, its order of members, an invalid one: untouched. Empty lines are none."""
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
    assert str(LINE_MAX_BYTES + 1) in long.problem
    assert short.records[0].value == b"{}"
