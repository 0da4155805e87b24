"""`nova eventid`, with which authors of producers in other languages check their ids."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from nova.cli.eventid import eventid
from nova.sdk.events.event import ENVELOPE_MAX_BYTES
from tests.golden import vectors

GOOD = {
    "scopeId": "s",
    "lane": "parsed",
    "systemId": "a",
    "containerId": "b",
    "uniqueId": "c",
    "sourceTruthTime": "2026-01-01T00:00:00Z",
    "messageType": "Battery",
    "schemaVersion": "1",
    "payload": {"volts": 28.5},
}


def said(*lines: bytes, json: bool = False) -> tuple[int, list[str]]:
    """Exit status and output for these lines on stdin."""
    result = CliRunner().invoke(eventid, ["--json"] if json else [], input=b"\n".join(lines))
    return result.exit_code, result.stdout.splitlines()


def changed(**members: object) -> bytes:
    """The good envelope with some members changed; None takes one out."""
    envelope = {name: value for name, value in {**GOOD, **members}.items() if value is not None}
    return msgspec.json.encode(envelope)


def test_golden_vectors() -> None:
    """A-074: all ids that an independent implementation computed."""
    status, lines = said(*(msgspec.json.encode(vector.envelope) for vector in vectors()))
    assert lines == [vector.event_id for vector in vectors()]
    assert len(lines) >= 60
    assert status == 0


def test_given_id_must_be_the_right_one() -> None:
    """AMB-09: an envelope with its own id is accepted, with another it is an error."""
    _, (right,) = said(changed())
    assert said(changed(eventId=right)) == (0, [right])
    status, (line,) = said(changed(eventId="0" * 64))
    assert status == 1
    assert line.startswith("error: eventIdMismatch eventId: ")
    assert right in line


@pytest.mark.parametrize(
    ("line", "code", "member"),
    [
        (b"", "malformed", ""),
        (b"{", "malformed", ""),
        (b"\xff", "malformed", ""),
        (changed(lane=None), "missingMember", "lane"),
        (changed(uniqueId=None), "missingMember", "uniqueId"),
        (changed(sourceTruthTime="2026-01-01T00:00:00"), "badTime", "sourceTruthTime"),
        (changed(canonicalTruthTime="x"), "unknownMember", "canonicalTruthTime"),
        (changed(payload=[]), "wrongType", "payload"),
        (changed(payload={"x": 2**53}), "notCanonical", "payload"),
        (b"x" * (ENVELOPE_MAX_BYTES + 1), "tooLarge", ""),
        (b"x" * (3 * ENVELOPE_MAX_BYTES), "tooLarge", ""),
    ],
)
def test_error_lines_name_code_and_member(line: bytes, code: str, member: str) -> None:
    """A line comes out for every line that goes in; the good one behind a bad one is still said."""
    status, (error, good) = said(line, changed())
    assert status == 1
    assert error.startswith(f"error: {code} {member or '-'}: ")
    assert len(good) == 64
    _, (as_json, _) = said(line, changed(), json=True)
    found = msgspec.json.decode(as_json, type=dict[str, int | dict[str, str]])
    assert found["line"] == 1
    facts = found["error"]
    assert isinstance(facts, dict)
    assert (facts["code"], facts["member"]) == (code, member)
    assert facts["reason"]


def test_json_objects() -> None:
    """`--json` gives the line's number with its id."""
    status, lines = said(changed(), changed(payload={}), json=True)
    found = [msgspec.json.decode(line, type=dict[str, object]) for line in lines]
    assert [one["line"] for one in found] == [1, 2]
    assert found[0]["eventId"] != found[1]["eventId"]
    assert status == 0


def test_file_and_windows_line_ends(tmp_path: Path) -> None:
    """A file instead of stdin; its line ends are no part of the envelope."""
    path = tmp_path / "envelopes.jsonl"
    path.write_bytes(changed() + b"\r\n" + changed() + b"\r\n")
    result = CliRunner().invoke(eventid, [str(path)])
    assert result.exit_code == 0
    assert len(set(result.stdout.splitlines())) == 1


def test_help_teaches() -> None:
    """Examples, and what comes out."""
    text = CliRunner().invoke(eventid, ["--help"]).output
    assert "nova eventid envelopes.jsonl --json" in text
    assert "error: CODE MEMBER: REASON" in " ".join(text.split())
