"""What is wrong with a JSON text in words, for whoever gave it: also the patterns of ids and names,
and that it cannot be read for its depth.
"""

from __future__ import annotations

import re

READABLE_LEVELS = 500
"""Of objects and lists in one another: JSON of this depth can be read wherever it arrives."""

TOO_DEEP = f"objects and lists are nested too deep, {READABLE_LEVELS} levels can be read"

_CLASS = re.compile(
    r"matching regex '\\\\A\[A-Za-z0-9(?P<chars>[^\]]*)\](?P<count>\+|\{\d+(?:,\d+)?\})\\\\Z'"
)
_FORMS = (
    (re.compile(r"matching regex '\\\\A\[A-Za-z0-9[^']*@[^']*'"), "of the form NAME or NAME@1.0.0"),
    (re.compile(r"matching regex '\\\\A\(0\|[^']*'"), "of the form MAJOR.MINOR.PATCH"),
)


def in_words(message: str) -> str:
    """A message of msgspec, with the pattern that a text does not match in words."""
    if message.startswith("maximum recursion depth exceeded"):
        return TOO_DEEP
    message = _CLASS.sub(_class_words, message)
    for pattern, words in _FORMS:
        message = pattern.sub(words, message)
    return message


def _class_words(found: re.Match[str]) -> str:
    *more, last = ("letters", "digits", *sorted(found["chars"]))
    count = found["count"].strip("{}+").replace(",", " to ")
    return f"of {count} {', '.join(more)} and {last}".replace("  ", " ")
