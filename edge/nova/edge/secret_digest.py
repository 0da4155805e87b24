"""The digest by which the edge stores a random secret, so that its files hold no usable one."""

from __future__ import annotations

import hashlib


def digest_of(secret: str) -> str:
    """A plain hash is enough: these secrets cannot be guessed, unlike passwords. Texts that are no
    Unicode have a digest too, which nothing stored has.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
