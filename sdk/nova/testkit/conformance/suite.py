"""The class that a transport's tests subclass."""

from __future__ import annotations

from nova.testkit.conformance.command_cases import CommandCases
from nova.testkit.conformance.delivery_cases import DeliveryCases
from nova.testkit.conformance.ending_cases import EndingCases
from nova.testkit.conformance.outage_cases import OutageCases
from nova.testkit.conformance.subscription_cases import SubscriptionCases


class TransportConformance(
    DeliveryCases, SubscriptionCases, OutageCases, CommandCases, EndingCases
):
    """Subclass it as `Test…` with a fixture `backend` that returns a `Backend`."""
