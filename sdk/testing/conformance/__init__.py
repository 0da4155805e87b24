"""The conformance suite of transports: a class that a backend certifies itself with by one fixture.

Subclass `TransportConformance`, give it a fixture `backend`, and run pytest; docs/transports.md
shows how and lists every promise.
"""

import pytest

_CASES = ("delivery", "subscriptions", "outages", "commands", "endings")
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _CASES))

from sdk.testing.conformance.backend import Backend, ServerBackend  # noqa: E402  # once rewritten
from sdk.testing.conformance.suite import TransportConformance  # noqa: E402

__all__ = ["Backend", "ServerBackend", "TransportConformance"]
