"""The canonical forms (RFC 8785) of many JSON objects at once, from their texts.

They are decoded and printed together, as one array in which a secret mark stands between them. What
of the printed text may differ from the canonical form is found in all bytes at once, and only the
objects concerned are looked at one by one.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np
import orjson

from nova.sdk.errors import CanonicalError
from nova.sdk.events.canonical import canonical_json, canonicalize_text

_MARK = "".join(secrets.choice("ghijklmnopqrstuv") for _ in range(32))
"""No text can contain it but by chance, and nothing in it looks like a number."""

_BETWEEN = b'},"%b",{' % _MARK.encode()
_POINT, _ZERO, _E, _NOT_IN_BMP = b".0e\xf0"
_NUMBER_ENDS = b",]}"


def canonical_objects(members: Sequence[bytes]) -> list[bytes | None]:
    """The canonical form of each object, given by its text without braces; None if the text is
    none, or has no canonical form.
    """
    together = _together(members) if members else []
    return list(map(_one, members)) if together is None else together


def _together(members: Sequence[bytes]) -> list[bytes | None] | None:
    """The forms of all objects; None unless each text is that of one object."""
    count = len(members)
    try:
        values = orjson.loads(b"[{%b}]" % _BETWEEN.join(members))
        # A text that is more or less than one object shifts the marks.
        if len(values) != 2 * count - 1 or values[1::2] != [_MARK] * (count - 1):
            return None
        if {*map(type, values[::2])} != {dict}:
            return None
        printed = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)[2:-2]
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    parts = printed.split(_BETWEEN)
    forms: list[bytes | None] = [b"{%b}" % part for part in parts]
    for number in _doubtful(printed, parts):
        forms[number] = _canonicalized(b"{%b}" % parts[number])
    return forms


def _doubtful(printed: bytes, parts: Sequence[bytes]) -> list[int]:
    """The numbers of the parts that may differ from their canonical form: with an exponent, an
    integral or negative zero fraction, sixteen digits, or characters beyond the BMP.
    """
    text = np.frombuffer(printed, np.uint8)
    is_digit = text - _ZERO <= 9
    is_doubtful = text >= _NOT_IN_BMP
    is_doubtful[1:] |= is_digit[:-1] & (text[1:] == _E)
    fraction = (text[:-1] == _POINT) & (text[1:] == _ZERO)
    is_doubtful[1:-1] |= fraction[:-1] & np.isin(text[2:], list(_NUMBER_ENDS))
    is_doubtful[-1:] |= fraction[-1:]  # The last brace is cut off.
    run = is_digit
    for width in (1, 2, 4, 8):
        run = run[:-width] & run[width:]
    is_doubtful[: len(run)] |= run
    places = np.flatnonzero(is_doubtful)
    ends = np.cumsum([len(part) + len(_BETWEEN) for part in parts])
    return list(dict.fromkeys(np.searchsorted(ends, places, side="right").tolist()))


def _canonicalized(text: bytes) -> bytes | None:
    try:
        return canonicalize_text(text)
    except CanonicalError:
        return None


def _one(members: bytes) -> bytes | None:
    try:
        value = orjson.loads(b"{%b}" % members)
        return canonical_json(value) if isinstance(value, dict) else None
    except (orjson.JSONDecodeError, CanonicalError):
        return None
