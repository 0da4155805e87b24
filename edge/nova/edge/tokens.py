"""Issues and verifies JWTs signed with the data folder's key; every claim is required."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from pathlib import Path

import jwt
import msgspec

from nova.edge.errors import AccessError
from nova.edge.user_store import Role, User
from nova.sdk import durable, private
from nova.sdk.errors import SettingsError
from nova.sdk.regular_file import read_regular

KEY_NAME = "jwt.key"
KEY_MIN_BYTES = 32
TOKEN_MAX_CHARS = 2_048
ALGORITHM = "HS256"
ISSUER = "nova"
AUDIENCE = "nova-edge"

# A 32-byte signature is 43 characters, the last of which has two spare bits that decoders ignore.
# Only the form with these bits zero is accepted, so that each token has exactly one spelling.
_TOKEN = re.compile(r"[\w-]{1,256}\.[\w-]{1,1536}\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_REQUIRED = ["exp", "iat", "sub", "iss", "aud", "jti", "role", "ver", "sid"]


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The claims of a token; times are seconds since 1970. `sid` is the session, `ver` the version
    of the user.
    """

    sub: str
    role: Role
    ver: int
    sid: str
    iat: int
    exp: int
    jti: str
    iss: str
    aud: str


class TokenSigner:
    def __init__(self, key: bytes, lifetime_s: int) -> None:
        self._key = key
        self._lifetime_s = lifetime_s

    def issue(self, user: User, session: str) -> tuple[str, Claims]:
        """An access token of a user's session, and its claims."""
        now = int(time.time())
        claims = Claims(
            sub=user.username,
            role=user.role,
            ver=user.version,
            sid=session,
            iat=now,
            exp=now + self._lifetime_s,
            jti=str(uuid.uuid4()),
            iss=ISSUER,
            aud=AUDIENCE,
        )
        return jwt.encode(msgspec.structs.asdict(claims), self._key, ALGORITHM), claims

    def verify(self, token: str) -> Claims:
        """The claims of a token; raises AccessError if it is invalid in any way."""
        if len(token) > TOKEN_MAX_CHARS or _TOKEN.fullmatch(token) is None:
            raise AccessError("the token is malformed")
        try:
            payload = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=0,
                options={"require": _REQUIRED, "enforce_minimum_key_length": True},
            )
            claims = msgspec.convert(payload, Claims)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise AccessError(f"the token is refused: {type(error).__name__}") from None
        if not 0 < claims.exp - claims.iat <= self._lifetime_s:
            raise AccessError("the token is refused: its lifetime exceeds the limit")
        return claims


def load_key(folder: Path) -> bytes:
    """The data folder's key, created on first use. Whoever can read it can forge tokens."""
    path = folder / KEY_NAME
    private.make_folder(folder)
    if not path.exists():
        # If several edges start at once, the first one's key stays.
        durable.create(path, secrets.token_bytes(KEY_MIN_BYTES))
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"{path} is readable by other users: run chmod 600 on it")
    key = read_regular(path)
    if len(key) < KEY_MIN_BYTES:
        raise SettingsError(f"{path} has {len(key)} bytes; a key needs at least {KEY_MIN_BYTES}")
    return key
