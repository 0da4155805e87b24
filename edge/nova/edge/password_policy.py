"""The policy for new passwords: long enough, and none of the most common."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

from nova.edge.errors import PasswordError
from nova.sdk.protocol.account import PASSWORD_MAX_CHARS as PASSWORD_MAX_CHARS

PASSWORD_MIN_CHARS = 12
COMMON_PASSWORDS = 10_000
"""How many of the most common passwords are refused."""


def check_new_password(password: str) -> None:
    """Raise PasswordError if a user may not choose this password."""
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        raise PasswordError(
            f"a password must have {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters; "
            f"this one has {len(password)}"
        )
    if password.lower() in _common_passwords():
        raise PasswordError(
            f"this password is among the {COMMON_PASSWORDS:,} most common: choose another"
        )


@lru_cache(maxsize=1)
def _common_passwords() -> frozenset[str]:
    """The most common passwords that are long enough, in lower case.

    zxcvbn ranks the passwords of published leaks. It is imported here, because its lists take
    megabytes and few processes ever set a password.
    """
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    ranked = islice(FREQUENCY_LISTS["passwords"], COMMON_PASSWORDS)
    return frozenset(one for one in ranked if len(one) >= PASSWORD_MIN_CHARS)
