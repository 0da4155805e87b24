"""What the claims of a provider mean in NOVA: username, role and scopes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from nova.edge.external_identity import ExternalIdentity
from nova.edge.oidc_config import OidcConfig
from nova.edge.oidc_error import OidcError
from nova.edge.user_store import Role
from nova.sdk.address import is_id
from nova.sdk.field_types import JsonObject
from nova.sdk.oidc_settings import ALL_SCOPES
from nova.sdk.protocol.admin import SCOPES_MAX
from nova.sdk.utf8 import is_utf8

SHOWN_MAX_CHARS = 256
ROLES: tuple[Role, ...] = get_args(Role)
"""The highest role first."""


@dataclass(frozen=True, slots=True)
class ExternalLogin:
    """Somebody whom a provider has logged in. `scopes` None means all. A role or scopes that no
    claim decides are for new users only.
    """

    identity: ExternalIdentity
    username: str
    role: Role
    scopes: tuple[str, ...] | None
    is_role_claimed: bool
    are_scopes_claimed: bool


def external_login(config: OidcConfig, claims: JsonObject) -> ExternalLogin:
    """The meaning of verified claims; raises OidcError."""
    username = username_of(config, claims)
    if not is_id(username):
        raise OidcError(
            "usernameRefused",
            f"{config.username_claim} is {username[:SHOWN_MAX_CHARS]!r}, which is no id",
        )
    return ExternalLogin(
        ExternalIdentity(config.issuer, str(claims["sub"])),
        username,
        _role(config, claims),
        _scopes(config, claims),
        config.role_claim is not None,
        config.scope_claim is not None,
    )


def username_of(config: OidcConfig, claims: JsonObject) -> str:
    """The name that the provider has for somebody, empty if it has none."""
    found = claim_value(claims, config.username_claim)
    return found if isinstance(found, str) and is_utf8(found) else ""


def claim_value(claims: Mapping[str, object], name: str) -> object:
    """The claim of a name; if there is none, the one at a path such as `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found


def _role(config: OidcConfig, claims: JsonObject) -> Role:
    values: list[str] = []
    if config.role_claim is not None:
        values = _texts(claim_value(claims, config.role_claim))
    roles = {config.roles[value] for value in values if value in config.roles}
    for role in ROLES:
        if role in roles:
            return role
    if config.default_role is None:
        shown = str(values)[:SHOWN_MAX_CHARS]
        raise OidcError("noRole", f"{config.role_claim} is {shown}, which oidc_roles do not name")
    return config.default_role


def _scopes(config: OidcConfig, claims: JsonObject) -> tuple[str, ...] | None:
    if config.scope_claim is None:
        return None
    values = _texts(claim_value(claims, config.scope_claim))
    if config.scopes:
        found = {scope for value in values for scope in config.scopes.get(value, ())}
    else:
        found = {value for value in values if is_id(value)}
    if ALL_SCOPES in found:
        return None
    if not 1 <= len(found) <= SCOPES_MAX:
        shown = str(values)[:SHOWN_MAX_CHARS]
        raise OidcError("noScope", f"{config.scope_claim} is {shown}: {len(found)} scopes")
    return tuple(sorted(found))


def _texts(claim: object) -> list[str]:
    """The values of a claim, which may be one text or a list."""
    values = claim if isinstance(claim, list) else [claim]
    return [value for value in values if isinstance(value, str)]
