"""Settings of the login by OpenID Connect, `oidc_*`: which provider, and what its claims mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Annotated, cast, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from nova.sdk.address import is_id
from nova.sdk.errors import SettingsError
from nova.sdk.field_types import Role

ALL_SCOPES = "*"
"""What a value of the scope claim is mapped to for all scopes."""

URL_MAX_CHARS = 2_000
VALUE_MAX_CHARS = 256

_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]{1,256}", re.ASCII)

Text = Annotated[str, Meta(min_length=1, max_length=VALUE_MAX_CHARS)]


class OidcSettings(msgspec.Struct, kw_only=True, frozen=True):
    """The settings that are about OpenID Connect; without an issuer there is no such login."""

    oidc_issuer: str | None = None
    oidc_client_id: Text | None = None
    oidc_client_secret_file: str | None = None
    oidc_name: Text | None = None
    oidc_requested_scopes: tuple[str, ...] = ("openid", "profile")
    oidc_username_claim: Text = "preferred_username"
    oidc_role_claim: Text | None = None
    oidc_roles: tuple[str, ...] = ()
    oidc_default_role: Role | None = None
    oidc_scope_claim: Text | None = None
    oidc_scopes: tuple[str, ...] = ()


OIDC_LISTS = ("oidc_requested_scopes", "oidc_roles", "oidc_scopes")
"""Members that are lists, which the environment separates by commas."""

OIDC_HELP: Mapping[str, str] = {
    "oidc_issuer": "URL of the OpenID Connect provider that users may log in with; none for none.",
    "oidc_client_id": "Id under which the provider knows this NOVA.",
    "oidc_client_secret_file": "File with the client secret, if NOVA_OIDC_CLIENT_SECRET is unset.",
    "oidc_name": "Name of the provider on the login page; its host name if absent.",
    "oidc_requested_scopes": "OpenID Connect scopes that NOVA requests.",
    "oidc_username_claim": "Claim with the username, which must be an id.",
    "oidc_role_claim": "Claim that decides the role; `a.b` is the member b of the claim a.",
    "oidc_roles": "VALUE=ROLE for each value of the role claim; of several the highest role.",
    "oidc_default_role": "Role without a known value of the role claim; such users are refused "
    "if absent.",
    "oidc_scope_claim": "Claim that limits the scopes; none for all scopes.",
    "oidc_scopes": "VALUE=SCOPE for values of the scope claim, VALUE=* for all scopes; if absent, "
    "its values are scopes.",
}


def check_oidc(settings: OidcSettings) -> None:
    """Raise SettingsError if the members contradict each other or one is malformed."""
    if settings.oidc_issuer is None:
        given = [name for name in OIDC_HELP if getattr(settings, name) != _default(name)]
        if given:
            raise SettingsError(f"{given[0]} needs oidc_issuer, the URL of the provider")
        return
    check_issuer(settings.oidc_issuer)
    if settings.oidc_client_id is None:
        raise SettingsError("oidc_issuer needs oidc_client_id, the id of NOVA at the provider")
    requested = settings.oidc_requested_scopes
    if "openid" not in requested or not all(_SCOPE_TOKEN.fullmatch(one) for one in requested):
        raise SettingsError("oidc_requested_scopes must be words without spaces, openid among them")
    role_map(settings.oidc_roles)
    scope_map(settings.oidc_scopes)
    if settings.oidc_role_claim is None and settings.oidc_default_role is None:
        raise SettingsError("nobody would get a role: set oidc_role_claim or oidc_default_role")
    for claim, values in (("oidc_role_claim", "oidc_roles"), ("oidc_scope_claim", "oidc_scopes")):
        if getattr(settings, values) and getattr(settings, claim) is None:
            raise SettingsError(f"{values} needs {claim}, the claim with these values")
    if settings.oidc_role_claim is not None and not settings.oidc_roles:
        raise SettingsError("oidc_role_claim needs oidc_roles, such as nova-admins=admin")


def check_issuer(url: str) -> None:
    """Raise SettingsError unless it can be an issuer: https, or http on this machine alone."""
    if not is_safe_url(url) or urlsplit(url).query:
        raise SettingsError(
            f"oidc_issuer: {url[:VALUE_MAX_CHARS]!r} is not a URL such as "
            "https://login.example.org without query and fragment; http is for providers on this "
            "machine only"
        )


def is_safe_url(url: str, *, loopback: bool = True) -> bool:
    """Whether it is an https URL, or (if `loopback`) an http URL of this machine."""
    if len(url) > URL_MAX_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # Raises ValueError if it is malformed.
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc or "#" in url or "\\" in url:
        return False
    return parts.scheme == "https" or (
        loopback and parts.scheme == "http" and is_loopback(parts.hostname)
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def role_map(texts: Iterable[str]) -> Mapping[str, Role]:
    """The role of each value of the role claim; raises SettingsError."""
    found = {}
    for value, role in _pairs("oidc_roles", texts):
        if role not in get_args(Role):
            raise SettingsError(
                f"oidc_roles: {role[:64]!r} is no role; there are {', '.join(get_args(Role))}"
            )
        found[value] = cast(Role, role)
    return found


def scope_map(texts: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The scopes of each value of the scope claim, which may be named more than once."""
    found: dict[str, tuple[str, ...]] = {}
    for value, scope in _pairs("oidc_scopes", texts):
        if scope != ALL_SCOPES and not is_id(scope):
            raise SettingsError(f"oidc_scopes: {scope[:64]!r} is neither a scope nor *")
        found[value] = (*found.get(value, ()), scope)
    return found


def _pairs(name: str, texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Split VALUE=NAME at the last `=`, since values such as `cn=ops` contain some."""
    for text in texts:
        value, equals, mapped = text.strip().rpartition("=")
        if not equals or not value or len(value) > VALUE_MAX_CHARS or "," in text:
            raise SettingsError(
                f"{name}: {text[:64]!r} is not VALUE=NAME with a VALUE of 1 to {VALUE_MAX_CHARS} "
                "characters without commas"
            )
        yield value, mapped


def _default(name: str) -> object:
    return getattr(OidcSettings(), name)
