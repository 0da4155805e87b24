"""Identities of users at an OpenID Connect provider."""

from __future__ import annotations

from typing import NamedTuple


class ExternalIdentity(NamedTuple):
    """Who somebody is at a provider, where names may change and be given to others."""

    issuer: str
    subject: str
