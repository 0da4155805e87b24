"""How many requests of a kind each principal may make: the setting `limits`. Whoever logs in with
OpenID Connect is no principal yet, so `oidc` counts by address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from nova.sdk.errors import SettingsError

LimitKind = Literal[
    "query", "stream", "export", "submission", "http", "password", "refresh", "oidc"
]
WINDOW_MAX_S = 3_600
COUNT_MAX = 1_000_000

_LIMIT = re.compile(r"([a-z]+)=([0-9]{1,7})/([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """At most `count` requests in any `window_s` seconds."""

    count: int
    window_s: float


DEFAULT_LIMITS: Mapping[LimitKind, RequestLimit] = {
    "query": RequestLimit(60_000, 60),
    "stream": RequestLimit(2_400, 60),
    "export": RequestLimit(80, 60),
    "submission": RequestLimit(50, 5),
    "http": RequestLimit(160, 60),
    "password": RequestLimit(120, 60),
    "refresh": RequestLimit(240, 60),
    "oidc": RequestLimit(120, 60),
}
"""Forty times what one person uses in a busy minute; of `oidc`, which counts by address, an
estimate of the logins of a site.
"""


def limits_text(limits: Mapping[LimitKind, RequestLimit]) -> str:
    """Limits as the setting has them."""
    return ",".join(f"{kind}={one.count}/{one.window_s:g}" for kind, one in limits.items())


def request_limits(texts: Iterable[str]) -> Mapping[LimitKind, RequestLimit]:
    """The limits of a setting, the default where it names none; raises SettingsError."""
    found = dict(DEFAULT_LIMITS)
    for text in texts:
        parts = _LIMIT.fullmatch(text.strip())
        kind, count, window_s = parts.groups() if parts else ("", "0", "0")
        if kind not in get_args(LimitKind):
            raise SettingsError(
                f"limits: {text[:64]!r} is not KIND=COUNT/SECONDS with a KIND of "
                f"{', '.join(get_args(LimitKind))}, such as query=600/60"
            )
        if not 1 <= int(count) <= COUNT_MAX or not 1 <= int(window_s) <= WINDOW_MAX_S:
            raise SettingsError(
                f"limits: {text[:64]!r} must have a COUNT from 1 to {COUNT_MAX} and SECONDS from 1 "
                f"to {WINDOW_MAX_S}"
            )
        found[cast(LimitKind, kind)] = RequestLimit(int(count), float(window_s))
    return found
