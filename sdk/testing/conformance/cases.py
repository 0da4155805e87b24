"""The base of all cases: the trial fixture, and asyncio in every pytest mode."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sdk.testing.conformance.backend import Backend
from sdk.testing.conformance.table import PROPERTY
from sdk.testing.conformance.trial import Trial


@pytest.mark.asyncio
class Cases:
    """A group of cases. Every `test_` method is one promise, which its docstring states."""

    @pytest_asyncio.fixture
    async def trial(self, backend: Backend, request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
        """The case's scopes, Cores and producers on the backend under test."""
        request.node.user_properties.append((PROPERTY, backend.name))
        trial = Trial(backend)
        yield trial
        await trial.close()
