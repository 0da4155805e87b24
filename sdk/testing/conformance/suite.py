"""The class that a transport's tests subclass."""

from __future__ import annotations

from sdk.testing.conformance.commands import CommandCases
from sdk.testing.conformance.delivery import DeliveryCases
from sdk.testing.conformance.endings import EndingCases
from sdk.testing.conformance.outages import OutageCases
from sdk.testing.conformance.subscriptions import SubscriptionCases


class TransportConformance(
    DeliveryCases, SubscriptionCases, OutageCases, CommandCases, EndingCases
):
    """Subclass it as `Test…` with a fixture `backend` that returns a `Backend`."""
