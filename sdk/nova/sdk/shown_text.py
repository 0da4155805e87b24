"""Names that some people type and others read on screens and terminals."""

from __future__ import annotations

import unicodedata

_CONTROLS = ("Cc", "Cs", "Zl", "Zp")
"""Categories of controls, halves of characters, and separators of lines and paragraphs."""

_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What turns the direction of writing, so that a name reads as another one."""


def name_fault(name: str) -> str | None:
    """The rule that a name breaks; None if it may be shown as it is."""
    wrong = next((char for char in name if _is_control(char)), None)
    if wrong is not None:
        return (
            f"has the control character U+{ord(wrong):04X}; "
            "names have none, and none that turns the direction of writing"
        )
    if not any(char.isprintable() and not char.isspace() for char in name):
        return "is blank; a name needs a character that can be seen"
    return None


def _is_control(char: str) -> bool:
    return char in _DIRECTIONS or unicodedata.category(char) in _CONTROLS
