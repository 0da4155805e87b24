"""Derived data that is made anew: who found it damaged asks for it, its maker throws it away and
remembers that it did.

`DATA/<folder>.rebuild` asks; what it holds is the reason, nothing where a person asked.
`DATA/derived.json` tells how often something was thrown away because it was damaged, and why last.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from pathlib import Path

import msgspec

from core.errors import DerivedDamagedError
from sdk import timestamps

ASKED_SUFFIX = ".rebuild"
REMADE_FILE = "derived.json"
REASON_MAX_CHARS = 500

log = logging.getLogger(__name__)


class Remade(msgspec.Struct, rename="camel"):
    """How often derived data was thrown away, and of the last time what and why."""

    count: int = 0
    last: str = ""


def asked_file(data: Path, folder: str) -> Path:
    """The file whose being there asks for a folder to be made anew."""
    return data / f"{folder}{ASKED_SUFFIX}"


def ask(data: Path, folder: str, reason: str) -> None:
    """Ask for a folder to be made anew by the process that makes it, whenever there is one."""
    log.warning("damaged, to be made anew", extra={"context": {"what": folder, "why": reason}})
    with contextlib.suppress(OSError), asked_file(data, folder).open("x") as file:
        file.write(reason[:REASON_MAX_CHARS])


def refuse_asked(data: Path, folder: str) -> None:
    """Raise DerivedDamagedError where it was asked for."""
    path = asked_file(data, folder)
    if path.exists():
        raise DerivedDamagedError(path.read_text("utf-8", "replace"))


def throw_away(data: Path, folder: str, reason: str) -> None:
    """Remove a folder of derived data, say so, and take note of it unless a person asked."""
    log.warning("thrown away, made anew", extra={"context": {"what": folder, "why": reason}})
    shutil.rmtree(data / folder, ignore_errors=True)
    if reason:
        _note(data, f"{folder}: {reason[:REASON_MAX_CHARS]}")
    # Only now, so that a maker that is killed before is asked again.
    asked_file(data, folder).unlink(missing_ok=True)


def read_remade(data: Path) -> Remade:
    """What is remembered; nothing where that cannot be read."""
    try:
        return msgspec.json.decode((data / REMADE_FILE).read_bytes(), type=Remade)
    except (OSError, msgspec.DecodeError):
        return Remade()


def _note(data: Path, what: str) -> None:
    remade = read_remade(data)
    remade.count += 1
    remade.last = f"{timestamps.text(time.time_ns())} {what}"
    fresh = data / f"{REMADE_FILE}.new"
    with contextlib.suppress(OSError):
        fresh.write_bytes(msgspec.json.encode(remade))
        fresh.replace(data / REMADE_FILE)
