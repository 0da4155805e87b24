"""Names of the Unix users of this machine."""

from __future__ import annotations

import pwd


def name_of(user_id: int) -> str:
    """The name of a user; the id as text if it has none."""
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)
