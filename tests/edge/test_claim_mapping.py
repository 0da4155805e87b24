"""What claims mean: the highest role, scopes by a map or as they are, and nothing by accident."""

from __future__ import annotations

from typing import Any

import pytest

from nova.edge.claim_mapping import claim_value, external_login
from nova.edge.oidc_error import OidcError
from tests.edge.made_provider import config_of

ISSUER = "https://login.example.org"
ANN: dict[str, object] = {"sub": "1", "preferred_username": "ann", "groups": "nova-viewers"}


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("nova-operators", "operator"),
        (["others", "nova-viewers", "nova-operators"], "operator"),
        (["nova-operators", "nova-admins"], "admin"),
        (["others"], "viewer"),
        ("nova-admins nova-operators", "viewer"),
        ({"nova-admins": 1}, "viewer"),
        ([["nova-admins"]], "viewer"),
        (None, "viewer"),
    ],
    ids=str,
)
def test_the_highest_known_role_counts_else_the_default(groups: object, role: str) -> None:
    config = config_of(ISSUER, default_role="viewer")
    assert external_login(config, {**ANN, "groups": groups}).role == role


@pytest.mark.parametrize(
    ("changes", "claim", "scopes"),
    [
        ({"scope_claim": "sats"}, ["b", "a", "a", "no id", 7], ("a", "b")),
        ({"scope_claim": "sats"}, "a", ("a",)),
        ({"scope_claim": "sats"}, ["*"], "noScope"),
        ({"scope_claim": "sats"}, None, "noScope"),
        ({"scope_claim": "sats", "scopes": {"one": ("a", "b")}}, ["one", "c"], ("a", "b")),
        ({"scope_claim": "sats", "scopes": {"one": ("a",), "all": ("*",)}}, ["one", "all"], None),
        ({"scope_claim": "sats", "scopes": {"one": ("a",)}}, ["c"], "noScope"),
        ({}, ["a"], None),
    ],
    ids=str,
)
def test_scopes_are_those_of_the_claim(
    changes: dict[str, Any], claim: object, scopes: tuple[str, ...] | str | None
) -> None:
    """All scopes are given by the map alone: a provider's `*` is no wildcard of NOVA."""
    config = config_of(ISSUER, **changes)
    claims = {**ANN, "sats": claim}
    if isinstance(scopes, str):
        with pytest.raises(OidcError) as refusal:
            external_login(config, claims)
        assert refusal.value.reason == scopes
    else:
        assert external_login(config, claims).scopes == scopes


def test_a_claim_is_found_by_its_name_or_by_its_path() -> None:
    """Some names contain dots, and some claims are within others."""
    claims = {"https://a.example/roles": "x", "realm": {"roles": ["y"]}, "realm.roles": "z"}
    assert claim_value(claims, "https://a.example/roles") == "x"
    assert claim_value(claims, "realm.roles") == "z"
    del claims["realm.roles"]
    assert claim_value(claims, "realm.roles") == ["y"]
    assert claim_value(claims, "realm.roles.first") is None
    assert claim_value(claims, "") is None
