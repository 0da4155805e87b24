"""Why a login with OpenID Connect fails, in words for the person who logs in."""

from __future__ import annotations

from typing import Literal, NamedTuple

from nova.sdk.errors import NovaError

OidcReason = Literal[
    "unknownLogin",
    "providerAway",
    "providerRefused",
    "providerWrong",
    "usernameRefused",
    "nameTaken",
    "noRole",
    "noScope",
    "disabled",
    "lastAdmin",
    "tooManyLogins",
]


class FailureText(NamedTuple):
    """The HTTP status of a failure, and its text with the name of the provider left open."""

    status: int
    text: str


FAILURES: dict[OidcReason, FailureText] = {
    "unknownLogin": FailureText(
        400,
        "This login is finished, is older than ten minutes, or began in another browser or tab. "
        "Please log in again.",
    ),
    "providerAway": FailureText(503, "{} does not answer. Please try again in a minute."),
    "providerRefused": FailureText(403, "{} refused the login."),
    "providerWrong": FailureText(
        502,
        "The reply of {} could not be verified. The log of the edge has the reason: please ask an "
        "administrator.",
    ),
    "usernameRefused": FailureText(
        403,
        "Your username at {} cannot be one of NOVA, which has 1 to 64 letters, digits, - and _. "
        "Please ask an administrator.",
    ),
    "nameTaken": FailureText(
        403,
        "Your username at {} belongs to another user of NOVA. If that is you, log in with your "
        "password; else please ask an administrator.",
    ),
    "noRole": FailureText(
        403, "Your account at {} has no role in NOVA. Please ask an administrator."
    ),
    "noScope": FailureText(
        403, "Your account at {} has no scope in NOVA. Please ask an administrator."
    ),
    "disabled": FailureText(403, "Your user is disabled. Please ask an administrator."),
    "lastAdmin": FailureText(
        403,
        "{} says that you are no admin any more, but there is no other admin in NOVA. Add one on "
        "the machine, with nova users add.",
    ),
    "tooManyLogins": FailureText(429, "There are too many logins. Please try again in a minute."),
}


class OidcError(NovaError):
    """A login failed. The message is for the log: it never contains a secret, a code or a token."""

    def __init__(self, reason: OidcReason, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


def failure_text(reason: OidcReason, provider: str) -> str:
    """The text for the person who logs in."""
    return FAILURES[reason].text.format(provider)
