"""librdkafka's errors, by name, since half of the numbers are private to librdkafka."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

TOPIC_EXISTS = "TOPIC_ALREADY_EXISTS"
ALL_BROKERS_DOWN = "_ALL_BROKERS_DOWN"
_VAGUE = frozenset((ALL_BROKERS_DOWN, "_TRANSPORT", "_TIMED_OUT"))
POSITION_GONE = frozenset(("_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE", "_LOG_TRUNCATION"))
"""The broker does not hold the next record to read."""


class FailureCause:
    """The cause of failed calls, from the client's error callback: the failed call itself often
    says only that it timed out.
    """

    def __init__(self) -> None:
        self._text = ""

    def on_error(self, error: KafkaError) -> None:
        """The error callback of a client."""
        if error.name() not in _VAGUE:
            self._text = error_text(error)

    def describe(self, error: KafkaError | KafkaException) -> str:
        """Name and explanation of a failed call. The noted cause is used once."""
        text, self._text = self._text or error_text(error), ""
        return text


def error_name(error: KafkaError | KafkaException) -> str:
    return _kafka_error(error).name()


def error_text(error: KafkaError | KafkaException) -> str:
    cause = _kafka_error(error)
    return f"{cause.name()}: {cause.str()}"


def is_fatal(error: KafkaError | KafkaException) -> bool:
    """Whether the client cannot continue and must be replaced."""
    cause = _kafka_error(error)
    return cause.fatal() or cause.name() in ("_FATAL", "_MAX_POLL_EXCEEDED", "_STATE")


def _kafka_error(error: KafkaError | KafkaException) -> KafkaError:
    if isinstance(error, KafkaError):
        return error
    cause = error.args[0] if error.args else None
    return cause if isinstance(cause, KafkaError) else KafkaError(KafkaError.UNKNOWN, str(error))
