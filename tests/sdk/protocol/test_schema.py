"""The committed schema is the structs', so the web UI's types cannot drift (nova.md §13)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nova.sdk.protocol.schema import protocol_schema, schema_text

COMMITTED = Path(__file__).parents[3] / "web" / "src" / "api" / "protocol.schema.json"


def test_the_committed_schema_equals_the_structs() -> None:
    """If this fails: `python -m nova.sdk.protocol.schema > web/src/api/protocol.schema.json`."""
    assert COMMITTED.read_text() == schema_text()


def test_the_module_prints_the_schema() -> None:
    """What the web build calls."""
    printed = subprocess.run(
        [sys.executable, "-m", "nova.sdk.protocol.schema"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout == schema_text()


def test_every_message_is_in_the_schema() -> None:
    """Requests, replies and envelopes, by their names."""
    defined = protocol_schema()["$defs"]
    assert isinstance(defined, dict)
    for name in ("Request", "Auth", "StartStream", "Reply", "StreamChunk", "Envelope", "UiUpdate"):
        assert name in defined
