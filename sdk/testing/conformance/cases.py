"""What all cases share: the trial, and that they are asynchronous in whatever mode pytest runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sdk.testing.conformance.backend import Backend
from sdk.testing.conformance.table import PROPERTY
from sdk.testing.conformance.trial import Trial


@pytest.mark.asyncio
class Cases:
    """A group of cases; every `test_` method is one promise, and its docstring says which."""

    @pytest_asyncio.fixture
    async def trial(self, backend: Backend, request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
        """The case's own scopes, Cores and producers on the backend under test."""
        request.node.user_properties.append((PROPERTY, backend.name))
        trial = Trial(backend)
        yield trial
        await trial.close()
