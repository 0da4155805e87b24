"""The conformance suite of transports, as a class that a backend runs with one fixture.

Subclass `TransportConformance`, give the subclass a fixture `backend` and run pytest.
docs/transports.md shows an example and lists every promise.
"""

import pytest

_CASES = ("delivery", "subscriptions", "outages", "commands", "endings")
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _CASES))

from nova.testkit.conformance.backend import Backend, ServerBackend  # noqa: E402  # once rewritten
from nova.testkit.conformance.suite import TransportConformance  # noqa: E402

__all__ = ["Backend", "ServerBackend", "TransportConformance"]
