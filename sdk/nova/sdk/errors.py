"""The exceptions of NOVA: one root, and a subclass for each case that a caller may catch."""

from __future__ import annotations


class NovaError(Exception):
    """Root of all exceptions that NOVA raises on purpose."""


class AddressError(NovaError):
    """A text is not a valid address."""


class TimestampError(NovaError):
    """A text is not a valid time, or lies outside int64 nanoseconds."""


class CanonicalError(NovaError):
    """A value has no RFC 8785 form (integer beyond 2^53-1, lone surrogate, NaN)."""


class SettingsError(NovaError):
    """A setting is unknown or has an invalid value."""


class EnvelopeError(NovaError):
    """An envelope is invalid; `code` names the rule and `member` the member that breaks it."""

    def __init__(self, code: str, member: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.member = member
        self.reason = reason


class ArchiveGoneError(NovaError):
    """A data folder does not hold the archive that the instance serves."""


class DriverError(NovaError):
    """A driver is not installed, does not accept the stream, or failed to write its file."""


class TransportError(NovaError):
    """A transport operation failed; records being published may or may not have been stored."""


class NotSentError(TransportError):
    """A publish failed before anything was sent, because there was no receiver."""


class ProtocolError(NovaError):
    """The peer answered with an error, or with a message that violates the protocol."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """`request_id` names the request in the server's logs; `retry_after_s` is when the server
        asks to be asked again.
        """
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class ValidationError(ProtocolError):
    """The request breaks a rule, or conflicts with what is stored; repeating it does not help."""


class AuthenticationError(ProtocolError):
    """The token or the password is not valid, or the password has to be changed first."""


class AuthorizationError(ProtocolError):
    """The principal may not do this, or not from where it is on the timeline."""


class NotFoundError(ProtocolError):
    """What the request names does not exist."""


class RateLimitError(ProtocolError):
    """A limit is reached; `retry_after_s` says when to ask again, where it is known."""


class ServiceError(ProtocolError):
    """The server cannot do this now, or has failed; the request itself may be right."""


class ConnectionLostError(NovaError):
    """The connection closed before the peer answered."""
