"""The last defence against secrets in logs: what looks like one is replaced, whoever logs it.

NOVA's own code logs no secrets. Exceptions of libraries may contain a header, or a URL with one.
"""

from __future__ import annotations

import re

REDACTED = "[redacted]"

_VALUE = r"[^\s\"'\\&;,)}\]]+"
"""A value within a line of JSON, where quotes are escaped."""

_NAMES = r"[\w.-]*(?:passw(?:or)?d|secret|token|credential|api[_-]?key)s?"
"""Names that end in a word for a secret, such as sasl.password and refresh_token."""

_PATTERNS = re.compile(
    "|".join(
        (
            r"(?P<key>\bnova_)[\w-]{43}\b",
            r"(?P<jwt>\beyJ)[\w-]+\.[\w-]+\.[\w-]*",
            r"(?P<seed>\bS[UNAOC])[A-Z2-7]{56}\b",
            r"(?P<scheme>\b(?:[Bb]earer|[Bb]asic) )[\w.~+/=-]{12,}",
            rf"(?P<query>[?&](?:code|state|nonce|code_verifier)=){_VALUE}",
            rf"(?P<named>\b{_NAMES}=){_VALUE}",
            rf"(?P<quoted>(?:\\?\"|'){_NAMES}(?:\\?\"|')\s*:\s*(?:\\?\"|')){_VALUE}",
            r"(?P<login>://[^\s/:@\"\\]*:)[^\s/@\"\\]+(?=@)",
        )
    ),
    re.IGNORECASE,
)


def redact(line: str) -> str:
    """A line of JSON without what looks like a secret."""
    return _PATTERNS.sub(lambda found: f"{found[found.lastgroup or 0]}{REDACTED}", line)
