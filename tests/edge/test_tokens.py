"""Tokens: issued ones are accepted, and nothing else is (A-271, pitfalls 26)."""

from __future__ import annotations

import base64
import json
import stat
import time
from pathlib import Path

import jwt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.edge.errors import AccessError
from nova.edge.tokens import ALGORITHM, KEY_NAME, TOKEN_MAX_CHARS, TokenSigner, load_key
from nova.edge.user_store import User
from nova.sdk.errors import SettingsError

KEY = bytes(range(32))
LONG_KEY = bytes(range(64))
LIFETIME_S = 3600
SESSION = "5e551012"
USER = User("ann", "hash", "operator", True, 7)
TOKENS = TokenSigner(KEY, LIFETIME_S)
GOOD, CLAIMS = TOKENS.issue(USER, SESSION)

Changes = dict[str, object]


def signed(changes: Changes, key: bytes = KEY, algorithm: str = ALGORITHM) -> str:
    """A token with some claims changed, None taking one away."""
    claims = {**msgspec.structs.asdict(CLAIMS), **changes}
    payload = json.dumps({name: value for name, value in claims.items() if value is not None})
    return jwt.PyJWS().encode(payload.encode(), key, algorithm)


def spelled(header: str, payload: str, signature: str = "") -> str:
    """A token of texts, as no library would write it."""
    parts = (base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in (header, payload))
    return ".".join([*(part.decode() for part in parts), signature])


def test_a_token_says_who_and_until_when() -> None:
    """All claims come back as they were given."""
    claims = TOKENS.verify(GOOD)
    assert claims == CLAIMS
    assert (claims.sub, claims.role, claims.ver) == ("ann", "operator", 7)
    assert claims.sid == SESSION
    assert claims.exp - claims.iat == LIFETIME_S


def test_no_two_tokens_are_equal() -> None:
    """Each has its own id."""
    assert TOKENS.issue(USER, SESSION)[1].jti != CLAIMS.jti


NOW = int(time.time())


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 1, "iat": NOW - 60},
        {"exp": None},
        {"exp": 1e30},
        {"exp": 10**30},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": str(NOW + 60)},
        {"exp": True},
        {"exp": NOW + LIFETIME_S + 60},
        {"exp": CLAIMS.exp + 0.5},
        {"iat": None},
        {"iat": NOW + 3000},
        {"iat": NOW - 10**9},
        {"nbf": NOW + 3600},
        {"iss": None},
        {"iss": "novae"},
        {"iss": ["nova"]},
        {"aud": None},
        {"aud": "nova"},
        {"aud": ["nova-edge", "other"]},
        {"sub": None},
        {"sub": 5},
        {"jti": None},
        {"jti": 5},
        {"role": None},
        {"role": "root"},
        {"sid": None},
        {"sid": 5},
        {"ver": None},
        {"ver": "7"},
        {"ver": 7.0},
        {"admin": True},
    ],
    ids=" ".join,
)
def test_a_well_signed_token_with_other_claims_is_refused(changes: Changes) -> None:
    """Every claim is required, of one type, and the lifetime is bounded."""
    with pytest.raises(AccessError):
        TOKENS.verify(signed(changes))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused(algorithm: str) -> None:
    """Only HS256 is read, whatever the header says and however good the signature."""
    with pytest.raises(AccessError):
        TokenSigner(LONG_KEY, LIFETIME_S).verify(signed({}, LONG_KEY, algorithm))


def test_another_key_is_refused() -> None:
    """A token of another installation is none here."""
    with pytest.raises(AccessError):
        TOKENS.verify(signed({}, key=bytes(32)))


PAYLOAD = msgspec.json.encode(CLAIMS).decode()
SIGNATURE = GOOD.rsplit(".", 1)[1]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b.c",
        "\x00",
        "é" * 40,
        GOOD + "\n",
        " " + GOOD,
        GOOD + "=",
        GOOD + "." + SIGNATURE,
        GOOD.replace(".", "..", 1),
        spelled('{"alg":"none","typ":"JWT"}', PAYLOAD),
        spelled('{"alg":"none"}', PAYLOAD, SIGNATURE),
        spelled('{"alg":"HS256","crit":["b64"],"b64":false}', PAYLOAD, SIGNATURE),
        spelled('{"alg":"HS256","kid":"../../etc/passwd"}', PAYLOAD, SIGNATURE),
        spelled('{"alg":"HS256","jku":"http://127.0.0.1/"}', PAYLOAD, SIGNATURE),
        spelled("[" * 150, PAYLOAD, SIGNATURE),
        spelled('{"alg":"HS256"}', "[" * 1000, SIGNATURE),
        spelled("null", "null", SIGNATURE),
        "a" * TOKEN_MAX_CHARS + ".a." + SIGNATURE,
        "A" * 1_000_000,
    ],
    ids=lambda token: repr(token[:14]),
)
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    """`none`, foreign headers, deep and long texts: one error, never another exception."""
    with pytest.raises(AccessError):
        TOKENS.verify(token)


@given(place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_is_taken(place: int, byte: int) -> None:
    """A token has one spelling (property)."""
    forged = GOOD[:place] + chr(byte) + GOOD[place + 1 :]
    if forged == GOOD:
        return
    with pytest.raises(AccessError):
        TOKENS.verify(forged)


def test_no_changed_bit_is_taken() -> None:
    """Every bit of a good token, one after the other, the spare ones of base64 among them."""
    accepted = []
    for place in range(len(GOOD)):
        for bit in range(8):
            forged = GOOD[:place] + chr(ord(GOOD[place]) ^ 1 << bit) + GOOD[place + 1 :]
            try:
                TOKENS.verify(forged)
                accepted.append(forged)
            except AccessError:
                pass
    assert len(GOOD) * 8 >= 2_000
    assert accepted == []


@given(st.text())
def test_any_text_is_refused_and_nothing_crashes(text: str) -> None:
    """Whatever a client sends as a token (property)."""
    with pytest.raises(AccessError):
        TOKENS.verify(text)


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """Tokens outlive a restart, and nobody else on the machine can make them."""
    key = load_key(tmp_path / "edge")
    path = tmp_path / "edge" / KEY_NAME
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(tmp_path / "edge") == key
    assert [entry.name for entry in path.parent.iterdir()] == [KEY_NAME]


def test_a_key_that_others_can_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    """An edge does not start with a key that is worth nothing."""
    load_key(tmp_path)
    path = tmp_path / KEY_NAME
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_key(tmp_path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(SettingsError, match="5 bytes"):
        load_key(tmp_path)
