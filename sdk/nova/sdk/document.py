"""Documents that people write: TOML or JSON, of which no fault ends a process."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from nova.sdk.errors import NovaError
from nova.sdk.regular_file import read_regular


class DocumentError(NovaError):
    """A text is no document of its form; the message follows the file's name."""


def parse_toml(text: bytes) -> dict[str, Any]:
    """The members of a TOML document; raises DocumentError."""
    members: dict[str, Any] = _parsed("TOML", lambda: tomllib.loads(text.decode()))
    return members


def read_toml(path: Path) -> dict[str, Any]:
    """The members of a TOML file; raises DocumentError and OSError."""
    return parse_toml(read_regular(path))


def parse_document(text: bytes, *, is_json: bool) -> object:
    """The value of a TOML or JSON document; raises DocumentError."""
    return _parsed("JSON", lambda: msgspec.json.decode(text)) if is_json else parse_toml(text)


class MemberFault(NamedTuple):
    """What is wrong with a member; without a name, with the whole value."""

    member: str
    reason: str

    def __str__(self) -> str:
        return f"{self.member}: {self.reason}" if self.member else self.reason


def member_fault(error: msgspec.ValidationError) -> MemberFault:
    """What msgspec finds wrong with a value."""
    reason, _, path = str(error).partition(" - at `")
    member = path.removeprefix("key` in `").rstrip("`").removeprefix("$").lstrip(".")
    return MemberFault(member, reason)


def member_faults(value: object, kind: type[msgspec.Struct]) -> list[MemberFault]:
    """What msgspec finds wrong with a value that is to be a struct: one fault of each member."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return list(_faults_by_member(value, kind)) or [member_fault(error)]
    return []


def _faults_by_member(value: object, kind: type[msgspec.Struct]) -> Iterator[MemberFault]:
    if not isinstance(value, dict):
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in value:
        if name not in fields:
            yield MemberFault("", f"Object contains unknown field `{name}`")
    for name, field in fields.items():
        if name in value:
            try:
                msgspec.convert(value[name], field.type)
            except msgspec.ValidationError as error:
                inner, reason = member_fault(error)
                dot = "." if inner and not inner.startswith("[") else ""
                yield MemberFault(f"{name}{dot}{inner}", reason)
        elif field.required:
            yield MemberFault("", f"Object missing required field `{name}`")


def _parsed(form: str, parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except RecursionError:
        reason = "its arrays or tables are nested too deeply: write them flat"
    except (msgspec.DecodeError, ValueError) as error:  # Also a number of thousands of digits.
        reason = str(error)
    raise DocumentError(f"is not {form}: {reason}")
