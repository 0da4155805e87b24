"""JSON values to their one canonical spelling, RFC 8785 (JCS).

`orjson` with sorted keys is some fifty times faster than `rfc8785` and prints the same bytes,
except for a few things. Integral floats lose their `.0` in a second pass, which steps over strings.
The rest `_is_unsure` looks for in what was printed: exponents (ECMAScript draws the line
elsewhere), negative zero, integers of sixteen digits and more, characters beyond the BMP (keys sort
by UTF-16 there), and null, which is how NaN is printed. What it finds goes to `rfc8785`, so a false
alarm in a string costs time and never correctness; a property test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import orjson
import rfc8785

from sdk.errors import CanonicalError

_EXPONENT = re.compile(rb"\de[-+\d]")
_LONG_INTEGER = re.compile(rb"(?<![\d.])\d{16}")
_BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
_NEGATIVE_ZERO = re.compile(rb"-0(?:\.0)?[,\]}]")
_DIGITS_ALIKE = bytes(ord("0") if byte in b"0123456789" else byte for byte in range(256))
_SIXTEEN_DIGITS = b"0" * 16
_INTEGRAL = re.compile(rb"\.0[,\]}]")
_STRING_OR_INTEGRAL = re.compile(rb'("(?:[^"\\]|\\.)*")|\.0(?=[,\]}])')


def canonical_json(value: Mapping[str, object]) -> bytes:
    """RFC 8785 bytes of a JSON object; raises CanonicalError where the RFC has no spelling."""
    try:
        fast = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        # Its limit is a fixed depth; Python's own would move with the depth of who is asking.
        if "Recursion" in str(error):
            raise CanonicalError("nested too deeply") from None
        return _slow(value)
    if _is_unsure(fast):
        return _slow(value)
    if _INTEGRAL.search(fast) is not None:
        return _STRING_OR_INTEGRAL.sub(rb"\1", fast)
    return fast


def _is_unsure(fast: bytes) -> bool:
    """Whether anything looks as if RFC 8785 might print it otherwise.

    Finding bytes is some twenty times faster than a pattern, so each pattern is tried only where
    bytes that it needs are there.
    """
    alike = fast.translate(_DIGITS_ALIKE)
    return (
        b"null" in fast
        or (b"0e" in alike and _EXPONENT.search(fast) is not None)
        or (b"-0" in fast and _NEGATIVE_ZERO.search(fast) is not None)
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
