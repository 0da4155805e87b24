"""Texts that spreadsheet programs would read as formulas, and how CSV has them."""

from __future__ import annotations

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
"""Prefixes with which spreadsheet programs read a text as a formula (CSV injection)."""


def escape_formula(text: str) -> str:
    """Neutralise a text for spreadsheets: one that looks like a formula gets a leading apostrophe,
    and NUL, which CSV readers reject, becomes U+FFFD.
    """
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return "'" + text if text.startswith(FORMULA_PREFIXES) else text
