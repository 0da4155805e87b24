"""Location of a JSON error: the top-level member at which the parser stopped."""

from __future__ import annotations

import re

# The string token also matches an unterminated string up to the end. Without that, the pattern
# would be tried again at each quote inside it, and one hostile record could block ingest for hours.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\]:,]', re.DOTALL)
_OFFSET = re.compile(r"\(byte (\d+)\)")
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def locate_json_error(record: bytes, parser_message: str) -> tuple[str, str]:
    """The top-level member at which a record stops being JSON (empty if none), and the reason."""
    surrogate = _LONE_SURROGATE.search(record)
    found = _OFFSET.search(parser_message)
    if surrogate is not None and (found is None or surrogate.start() <= int(found.group(1))):
        offset, reason = surrogate.start(), "contains a lone surrogate"
    else:
        offset = int(found.group(1)) if found else len(record)
        reason = _OFFSET.sub("", parser_message.removeprefix("JSON is malformed: ")).strip()
    return _location(record, offset, "not JSON", reason)


def locate_encoding_error(record: bytes) -> tuple[str, str]:
    """The top-level member at which a record stops being UTF-8 (empty if none), and the reason."""
    try:
        record.decode()
    except UnicodeDecodeError as error:
        return _location(record, error.start, "not UTF-8", error.reason)
    return "", "the record is not UTF-8"


def _location(record: bytes, offset: int, what: str, reason: str) -> tuple[str, str]:
    member = _member_at(record[:offset])
    where = f" in member {member!r}" if member else ""
    return member, f"the record is {what}{where}: {reason} (byte {offset})"


def _member_at(begun: bytes) -> str:
    """The last key of the outermost open object."""
    depth, text, member = 0, b"", b""
    for match in _TOKEN.finditer(begun):
        token = match.group()
        if token in b"{[":
            depth += 1
        elif token in b"}]":
            depth -= 1
            member = member if depth else b""
        elif token == b":" and depth == 1:
            member = text
        text = token
    return member[1:-1].decode(errors="replace")
