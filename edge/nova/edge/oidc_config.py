"""Configuration of the login by OpenID Connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from nova.edge.user_store import Role
from nova.sdk.errors import SettingsError
from nova.sdk.oidc_settings import OidcSettings, role_map, scope_map
from nova.sdk.optional_imports import import_optional
from nova.sdk.regular_file import read_regular
from nova.sdk.settings import load_oidc
from nova.sdk.utf8 import check_secret

SECRET_VARIABLE = "NOVA_OIDC_CLIENT_SECRET"
SECRET_MAX_BYTES = 4 * 1024
LIBRARIES = ("authlib", "joserfc")


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcConfig:
    """A provider, what NOVA is to it, and what its claims mean in NOVA.

    Without a `role_claim` new users get `default_role`, without a `scope_claim` all scopes.
    `scopes` maps values of that claim; if it is empty, the values are scopes.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    name: str
    requested_scopes: tuple[str, ...]
    username_claim: str
    role_claim: str | None
    roles: Mapping[str, Role]
    default_role: Role | None
    scope_claim: str | None
    scopes: Mapping[str, tuple[str, ...]]

    @property
    def claims(self) -> tuple[str, ...]:
        """The claims that decide about a user."""
        return tuple(filter(None, (self.username_claim, self.role_claim, self.scope_claim)))


def oidc_config(environment: Mapping[str, str]) -> OidcConfig | None:
    """The configuration from `NOVA_OIDC_*`, None without an issuer. Raises SettingsError if it is
    malformed, and NovaError if the libraries are not installed.
    """
    settings = load_oidc(environment)
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    for library in LIBRARIES:
        import_optional(library, "oidc", "nova-truth")
    return OidcConfig(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=_client_secret(settings, environment),
        name=settings.oidc_name or urlsplit(settings.oidc_issuer).hostname or "",
        requested_scopes=settings.oidc_requested_scopes,
        username_claim=settings.oidc_username_claim,
        role_claim=settings.oidc_role_claim,
        roles=role_map(settings.oidc_roles),
        default_role=settings.oidc_default_role,
        scope_claim=settings.oidc_scope_claim,
        scopes=scope_map(settings.oidc_scopes),
    )


def _client_secret(settings: OidcSettings, environment: Mapping[str, str]) -> str | None:
    """The client secret; None for a client without one, which PKCE alone protects."""
    given, file = environment.get(SECRET_VARIABLE), settings.oidc_client_secret_file
    if given == "":
        raise SettingsError(f"{SECRET_VARIABLE} is empty: set a value, or unset it")
    if file is None:
        if given is not None:
            check_secret(SECRET_VARIABLE, given)
        return given
    if given is not None:
        raise SettingsError(f"set {SECRET_VARIABLE} or oidc_client_secret_file, not both")
    return _read_secret(Path(file))


def _read_secret(path: Path) -> str:
    try:
        content = read_regular(path, SECRET_MAX_BYTES)
        secret = content.decode().rstrip("\r\n")
    except OSError as error:
        raise SettingsError(
            f"cannot read oidc_client_secret_file {path}: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"oidc_client_secret_file {path} is not UTF-8 text") from None
    if not secret:
        raise SettingsError(
            f"oidc_client_secret_file {path} must hold 1 to {SECRET_MAX_BYTES} bytes"
        )
    return secret
