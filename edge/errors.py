"""The errors of the edge that its parts tell each other."""

from __future__ import annotations

from sdk.errors import NovaError


class AccessError(NovaError):
    """A token is not or no longer valid, or its user may not come in; clients never learn which."""


class BodyError(NovaError):
    """A request's body is not what its headers say, or too large."""


class BusyError(NovaError):
    """Too much is waiting already; the caller may come back after `retry_after_s`."""

    def __init__(
        self, retry_after_s: int, what: str = "too many attempts", instead: str = ""
    ) -> None:
        super().__init__(f"{what}: try again in {retry_after_s} s{instead}")
        self.retry_after_s = retry_after_s


class ClientGoneError(NovaError):
    """The client's connection is lost or was cut because it did not read."""
