"""Reed-Solomon codes of CCSDS 131.0-B: interleaved, shortened, in the dual basis."""

from __future__ import annotations

from functools import cache
from typing import Any

from nova.sdk.optional_imports import import_optional

CODEWORD_MAX_BYTES = 255
CORRECTABLE = (16, 8)
"""The wrong bytes of a codeword that its two codes can correct (E)."""
INTERLEAVES = (1, 2, 3, 4, 5, 8)
FIELD = 0x187
"""x^8 + x^7 + x^2 + x + 1."""
ROOT = 173
"""alpha^11, of whose powers the generator has its roots, from 128 - E on."""
_DUAL_COLUMNS = (0x7B, 0xAF, 0x99, 0xFA, 0x86, 0xEC, 0xEF, 0x8D)
"""What each bit of the usual basis, from the lowest on, is in the dual one."""


def _to_dual(byte: int) -> int:
    found = 0
    for bit, column in enumerate(_DUAL_COLUMNS):
        found ^= column * (byte >> bit & 1)
    return found


TO_DUAL = bytes(map(_to_dual, range(256)))
FROM_DUAL = bytes(map(TO_DUAL.index, range(256)))


def interleave_of(frame_bytes: int, check_bytes: int, correctable: int) -> int | None:
    """How many codewords a frame is interleaved of; None if there is no such code."""
    if correctable not in CORRECTABLE or check_bytes % (2 * correctable):
        return None
    count = check_bytes // (2 * correctable)
    if count not in INTERLEAVES or frame_bytes % count:
        return None
    return count if frame_bytes + check_bytes <= count * CODEWORD_MAX_BYTES else None


def corrected(block: bytes, interleave: int, correctable: int) -> bytes | None:
    """A frame with its check symbols, without errors; None if it has more than are correctable."""
    codec, error = _codec(correctable)
    found = bytearray(block)
    for first in range(interleave):
        word = block[first::interleave].translate(FROM_DUAL)
        if all(codec.check(word)):
            continue
        try:
            whole = codec.decode(word)[1]
        except error:
            return None
        found[first::interleave] = bytes(whole).translate(TO_DUAL)
    return bytes(found)


@cache
def _codec(correctable: int) -> tuple[Any, type[Exception]]:
    """The codec of a code, and its error."""
    library = import_optional("reedsolo", "recordings")
    codec = library.RSCodec(
        2 * correctable,
        CODEWORD_MAX_BYTES,
        fcr=128 - correctable,
        prim=FIELD,
        generator=ROOT,
    )
    return codec, library.ReedSolomonError
