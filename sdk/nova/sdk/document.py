"""Documents that people write: TOML or JSON, of which no fault ends a process."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import msgspec

from nova.sdk.errors import NovaError


class DocumentError(NovaError):
    """A text is no document of its form; the message follows the file's name."""


def parse_toml(text: bytes) -> dict[str, Any]:
    """The members of a TOML document; raises DocumentError."""
    members: dict[str, Any] = _parsed("TOML", lambda: tomllib.loads(text.decode()))
    return members


def parse_document(text: bytes, *, is_json: bool) -> object:
    """The value of a TOML or JSON document; raises DocumentError."""
    return _parsed("JSON", lambda: msgspec.json.decode(text)) if is_json else parse_toml(text)


def member_fault(error: msgspec.ValidationError) -> str:
    """What msgspec finds wrong with a value, with the member first."""
    reason, _, path = str(error).partition(" - at `")
    member = path.removeprefix("key` in `").rstrip("`").removeprefix("$").lstrip(".")
    return f"{member}: {reason}" if member else reason


def _parsed(form: str, parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except RecursionError:
        reason = "its arrays or tables are nested too deeply: write them flat"
    except (msgspec.DecodeError, ValueError) as error:  # Also a number of thousands of digits.
        reason = str(error)
    raise DocumentError(f"is not {form}: {reason}")
