"""The address of a client: only headers of trusted proxies count."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from nova.edge.client_address import UNKNOWN, ClientAddresses, network_of, rate_limit_key
from nova.sdk.settings import proxy_networks

PROXIES = ("10.0.0.0/8", "fd00::/8")


def address(peer: str | None, *headers: tuple[str, str], trusted: tuple[str, ...] = PROXIES) -> str:
    """What a request of a peer with headers is said to come from."""
    request: Any = make_mocked_request("GET", "/", headers=CIMultiDict(headers))
    request = request.clone(remote=peer or "")
    return ClientAddresses(proxy_networks(trusted)).client_of(request)


def forwarded_for(chain: str) -> tuple[str, str]:
    """The usual header."""
    return "X-Forwarded-For", chain


@pytest.mark.parametrize(
    ("peer", "headers", "found"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", [forwarded_for("203.0.113.5")], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [forwarded_for("203.0.113.5")], "203.0.113.5"),
        ("10.0.0.1", [forwarded_for("9.9.9.9, 203.0.113.5")], "203.0.113.5"),
        ("10.0.0.1", [forwarded_for("9.9.9.9, 203.0.113.5 , 10.2.2.2")], "203.0.113.5"),
        ("10.0.0.1", [forwarded_for("9.9.9.9"), forwarded_for("203.0.113.5")], "203.0.113.5"),
        ("10.0.0.1", [forwarded_for("10.3.3.3, 10.2.2.2")], "10.3.3.3"),
        ("10.0.0.1", [forwarded_for("9.9.9.9, unknown, 10.2.2.2")], "10.2.2.2"),
        ("10.0.0.1", [forwarded_for("203.0.113.5,")], "10.0.0.1"),
        ("10.0.0.1", [forwarded_for("")], "10.0.0.1"),
        ("10.0.0.1", [forwarded_for("203.0.113.5:4711")], "203.0.113.5"),
        ("fd00::1", [forwarded_for("2001:db8::7")], "2001:db8::7"),
        ("::ffff:10.0.0.1", [forwarded_for("::ffff:203.0.113.5")], "203.0.113.5"),
        ("10.0.0.1", [("Forwarded", 'for="[2001:db8::7]:4711";proto=https')], "2001:db8::7"),
        ("10.0.0.1", [("Forwarded", "for=9.9.9.9, For=203.0.113.5;by=10.0.0.1")], "203.0.113.5"),
        ("10.0.0.1", [("Forwarded", "proto=https")], "10.0.0.1"),
        ("10.0.0.1", [("Forwarded", 'for=9.9.9.9;x=", for="[2001:db8::7]"')], "2001:db8::7"),
        (None, [forwarded_for("203.0.113.5")], UNKNOWN),
    ],
)
def test_the_rightmost_hop_that_is_not_trusted_counts(
    peer: str | None, headers: list[tuple[str, str]], found: str
) -> None:
    """What a client writes into the header stands further left, and changes nothing."""
    assert address(peer, *headers) == found


def test_headers_that_disagree_count_as_the_proxy() -> None:
    """A proxy writes one of the two and passes on what a client has put into the other."""
    chain = forwarded_for("203.0.113.5")
    assert address("10.0.0.1", chain, ("Forwarded", "for=203.0.113.5")) == "203.0.113.5"
    assert address("10.0.0.1", chain, ("Forwarded", "for=9.9.9.9")) == "10.0.0.1"


def test_a_proxy_that_is_not_trusted_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    """Else nobody would learn why all clients count as one."""
    request = make_mocked_request("GET", "/", headers=CIMultiDict([forwarded_for("9.9.9.9")]))
    addresses = ClientAddresses()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert addresses.client_of(request.clone(remote="192.0.2.1")) == "192.0.2.1"
    assert [record.message.count("trusted_proxies") for record in caplog.records] == [1]


@pytest.mark.parametrize(
    ("peer", "proto", "secure"),
    [("10.0.0.1", "https", True), ("10.0.0.1", "http", False), ("192.0.2.1", "https", False)],
)
def test_only_a_trusted_proxy_says_that_a_client_speaks_tls(
    peer: str, proto: str, secure: bool
) -> None:
    """A cookie for TLS alone is lost over plain HTTP."""
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-Proto": proto})
    addresses = ClientAddresses(proxy_networks(PROXIES))
    assert addresses.is_secure(request.clone(remote=peer)) is secure


def test_ipv6_counts_by_its_64_and_neighbours_are_wider() -> None:
    """One customer has a /64; IPv4 addresses count each."""
    assert (
        rate_limit_key("2001:db8:1:2:aaaa::1")
        == rate_limit_key("2001:db8:1:2::9")
        == "2001:db8:1:2::/64"
    )
    assert rate_limit_key("2001:db8:1:3::1") != rate_limit_key("2001:db8:1:2::1")
    assert rate_limit_key("192.0.2.1") == "192.0.2.1"
    assert rate_limit_key("") == network_of(UNKNOWN) == UNKNOWN
    assert network_of("192.0.2.1") == network_of("192.0.2.200") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:ff::1")
