"""JSON values to their one canonical spelling, RFC 8785 (JCS).

`orjson` with sorted keys is some fifty times faster than `rfc8785` and prints the same bytes,
except for a few things. Integral floats lose their `.0` in a second pass, which leaves strings out.
The rest `_is_unsure` looks for in what was printed: exponents (ECMAScript draws the line
elsewhere), negative zero, integers of sixteen digits and more, characters beyond the BMP (keys sort
by UTF-16 there), and null, which is how NaN is printed. What it finds goes to `rfc8785`, so a false
alarm in a string costs time and never correctness; a property test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
import rfc8785

from sdk.errors import CanonicalError

_EXPONENT = re.compile(rb"\de[-+\d]")
_LONG_INTEGER = re.compile(rb"(?<![\d.])\d{16}")
_BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
_NEGATIVE_ZERO = re.compile(rb"-0\.0[,\]}]")
_DIGITS_ALIKE = bytes(ord("0") if byte in b"0123456789" else byte for byte in range(256))
_SIXTEEN_DIGITS = b"0" * 16
NUMBER_ENDS = b",]}"
_STRING_OR_INTEGRAL = re.compile(rb'("(?:[^"\\]|\\.)*")|\.0(?=[,\]}])')


def canonical_json(value: Mapping[str, object]) -> bytes:
    """RFC 8785 bytes of a JSON object; raises CanonicalError where the RFC has no spelling."""
    fast = printed(value)
    if fast is None or b"null" in fast or _is_unsure(fast):
        return _slow(value)
    return without_integral_points(fast)


def printed(value: Mapping[str, object]) -> bytes | None:
    """What the fast printer makes of it, None where it refuses; canonical once `are_sure` says so
    and `without_integral_points` has gone over it. Raises CanonicalError on what is nested too
    deeply.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        # Its limit is a fixed depth; Python's own would move with the depth of who is asking.
        if "Recursion" in str(error):
            raise CanonicalError("nested too deeply") from None
        return None


def are_sure(texts: Sequence[bytes]) -> bool:
    """Whether no text that was printed of decoded JSON, which holds no NaN, looks as if RFC 8785
    might print it otherwise; one look at many costs less than a look at each.
    """
    return not _is_unsure(b"\n".join(texts))


def without_integral_points(text: bytes) -> bytes:
    """A printed text with `28.0` as `28`, but not inside strings."""
    point = text.find(b".0")
    while point >= 0 and text[point + 2] not in NUMBER_ENDS:
        point = text.find(b".0", point + 2)
    if point < 0:
        return text
    if b"\\" in text:
        return _STRING_OR_INTEGRAL.sub(rb"\1", text)
    pieces: list[bytes] = []
    done = counted = quotes = 0
    while point >= 0:
        quotes += text.count(b'"', counted, point)
        counted = point
        # Without escapes, an even number of quotes is before all that is outside of strings.
        if text[point + 2] in NUMBER_ENDS and quotes % 2 == 0:
            pieces.append(text[done:point])
            done = point + 2
        point = text.find(b".0", point + 2)
    return b"".join((*pieces, text[done:]))


def proved(text: bytes) -> bytes:
    """The canonical form of a text that was printed of decoded JSON; raises CanonicalError."""
    if _is_unsure(text):
        return _slow(orjson.loads(text))
    return without_integral_points(text)


def _is_unsure(fast: bytes) -> bool:
    """Whether anything looks as if RFC 8785 might print it otherwise.

    Finding bytes is some twenty times faster than a pattern, so each pattern is tried only where
    bytes that it needs are there.
    """
    alike = fast.translate(_DIGITS_ALIKE)
    return (
        (b"0e" in alike and _EXPONENT.search(fast) is not None)
        or (b"-0.0" in fast and _NEGATIVE_ZERO.search(fast) is not None)
        or (_SIXTEEN_DIGITS in alike and _LONG_INTEGER.search(fast) is not None)
        or (not fast.isascii() and _BEYOND_BMP.search(fast) is not None)
    )


def _slow(value: Mapping[str, object]) -> bytes:
    try:
        return rfc8785.dumps(cast("dict[str, Any]", value))
    except UnicodeEncodeError:
        raise CanonicalError("a lone surrogate has no UTF-8 form") from None
    except ValueError as error:  # rfc8785's own, or Python's for an integer too long to print
        raise CanonicalError(str(error)) from None
    except RecursionError:
        raise CanonicalError("nested too deeply") from None
