"""Prints events as lines: the stored bytes, or a readable summary on a terminal."""

from __future__ import annotations

import base64
import shutil
import sys

import msgspec

from nova.sdk.events.envelope import STORED_HEADER


def write_event(stored: bytes, as_json: bool) -> None:
    """Write an event to stdout: on a terminal, unless `as_json`, a summary, else stored bytes."""
    line = stored if as_json or not sys.stdout.isatty() else _summary(stored).encode()
    sys.stdout.buffer.write(line + b"\n")
    if sys.stdout.isatty():
        sys.stdout.buffer.flush()


def _summary(stored: bytes) -> str:
    """Time, address, type and the start of the body, cut to the terminal's width."""
    event = msgspec.json.decode(stored, type=dict[str, object])
    who = ".".join(str(event[name]) for name in ("scopeId", "systemId", "containerId", "uniqueId"))
    what = event.get("messageType", "")
    body = {name: value for name, value in event.items() if name not in STORED_HEADER}
    if "bytes" in body:
        frame = base64.b64decode(str(body.pop("bytes")))
        body["bytes"] = f"{len(frame)}: {frame[:16].hex(' ')}"
    text = msgspec.json.encode(body).decode()
    line = f"{event['sourceTruthTime']}  {event['lane']:<8} {who}  {what}  {text}"
    return line[: shutil.get_terminal_size((200, 24)).columns]
