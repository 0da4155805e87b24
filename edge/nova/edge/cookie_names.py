"""The names of an archive's cookies.

Browsers send the cookies of a host to all of its ports. With names of their own, several NOVA on
one machine neither get nor replace each other's cookies, and the edges of one archive share them.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

MARK_CHARS = 12

REFRESH = "nova_refresh"
DEVICE = "nova_device"
OIDC = "nova_oidc"


class CookieNames(NamedTuple):
    """Of the refresh token, of the browser that has logged in, and of a login that waits for an
    OpenID Connect provider.
    """

    refresh: str
    device: str
    oidc: str


def cookie_names(key: bytes) -> CookieNames:
    """The names that go with a data folder's key, which they do not reveal."""
    mark = hashlib.sha256(b"cookies of " + key).hexdigest()[:MARK_CHARS]
    return CookieNames(f"{REFRESH}_{mark}", f"{DEVICE}_{mark}", f"{OIDC}_{mark}")
