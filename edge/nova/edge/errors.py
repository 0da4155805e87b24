"""Errors of the edge."""

from __future__ import annotations

from nova.sdk.errors import NovaError


class AccessError(NovaError):
    """A token is invalid or its user may not log in; clients do not learn which of the two."""


class BodyError(NovaError):
    """A request body contradicts its headers or is too large."""


class LoginBusyError(NovaError):
    """Too many attempts are waiting; the client may retry after `retry_after_s`."""

    def __init__(
        self, retry_after_s: int, reason: str = "too many attempts", hint: str = ""
    ) -> None:
        super().__init__(f"{reason}: try again in {retry_after_s} s{hint}")
        self.retry_after_s = retry_after_s


class ClientGoneError(NovaError):
    """The client's connection was lost, or was aborted because the client did not read."""


class LastAdminError(NovaError):
    """A change would leave no enabled admin with all scopes, so that nobody could manage users."""


class PasswordError(NovaError):
    """A new password breaks the password policy."""


class NoPasswordError(PasswordError):
    """The user logs in with OpenID Connect and can have no password here."""

    def __init__(self, username: str) -> None:
        super().__init__(
            f"{username} logs in with OpenID Connect and has no password here: change it at the "
            "provider, or add another user with a password"
        )
