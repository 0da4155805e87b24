"""The settings `oidc_*`: which are refused, and that they reach the edge whole."""

from __future__ import annotations

import pytest

from nova.sdk import settings
from nova.sdk.errors import SettingsError
from nova.sdk.oidc_settings import OIDC_HELP, is_safe_url, role_map, scope_map

GIVEN: dict[str, object] = {
    "oidc_issuer": "https://login.example.org/realms/ops",
    "oidc_client_id": "nova",
    "oidc_role_claim": "realm_access.roles",
    "oidc_roles": ["cn=admins=admin", "ops=operator"],
    "oidc_scope_claim": "satellites",
    "oidc_scopes": ["one=sat1", "one=sat2", "all=*"],
}


def test_they_reach_the_edge_by_the_environment() -> None:
    """The edge reads them without the other settings."""
    chosen = settings.load(None, {}, scope="sat", **GIVEN)
    found = settings.load_oidc(settings.as_environment(chosen))
    assert all(getattr(found, name) == getattr(chosen, name) for name in OIDC_HELP)
    assert role_map(found.oidc_roles) == {"cn=admins": "admin", "ops": "operator"}
    assert scope_map(found.oidc_scopes) == {"one": ("sat1", "sat2"), "all": ("*",)}
    assert settings.load_oidc({}).oidc_issuer is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"oidc_issuer": "http://login.example.org"}, "oidc_issuer"),
        ({"oidc_issuer": "https://login.example.org?a=b"}, "oidc_issuer"),
        ({"oidc_issuer": "login.example.org"}, "oidc_issuer"),
        ({"oidc_issuer": None}, "oidc_client_id needs oidc_issuer"),
        ({"oidc_client_id": None}, "oidc_client_id"),
        ({"oidc_roles": []}, "oidc_roles"),
        ({"oidc_roles": ["ops=captain"]}, "captain"),
        ({"oidc_roles": ["admin"]}, "VALUE=NAME"),
        ({"oidc_roles": ["cn=a,ou=b=admin"]}, "commas"),
        ({"oidc_role_claim": None}, "oidc_role_claim"),
        ({"oidc_role_claim": None, "oidc_roles": []}, "nobody would get a role"),
        ({"oidc_default_role": "captain"}, "oidc_default_role"),
        ({"oidc_scopes": ["one=a.b"]}, "neither a scope"),
        ({"oidc_scope_claim": None}, "oidc_scope_claim"),
        ({"oidc_requested_scopes": ["profile"]}, "openid"),
        ({"oidc_requested_scopes": ["openid", "a b"]}, "oidc_requested_scopes"),
        ({"oidc_username_claim": ""}, "oidc_username_claim"),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_by_name(change: dict[str, object], named: str) -> None:
    """At the start of `nova up`, before anybody logs in."""
    with pytest.raises(SettingsError, match=named):
        settings.load(None, {}, scope="sat", **{**GIVEN, **change})


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://a.example:8443/b", True),
        ("http://127.0.0.1:9400", True),
        ("http://[::1]:9400", True),
        ("http://localhost:9400", True),
        ("http://a.example", False),
        ("http://localhost.example.org", False),
        ("https://user@a.example", False),
        ("https://a.example#b", False),
        ("https://a.example:port", False),
        ("https:///b", False),
        ("https://a.example/\n", False),
        ("file:///etc/passwd", False),
        ("https://" + "a" * 2_000, False),
    ],
)
def test_urls_are_https_or_of_this_machine(url: str, is_safe: bool) -> None:
    assert is_safe_url(url) == is_safe
    assert is_safe_url(url, loopback=False) == (is_safe and url.startswith("https:"))
