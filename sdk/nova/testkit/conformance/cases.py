"""The base of all cases: the trial fixture, and asyncio in every pytest mode."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nova.testkit.conformance.backend import Backend
from nova.testkit.conformance.result_table import PROPERTY
from nova.testkit.conformance.trial import Trial


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
