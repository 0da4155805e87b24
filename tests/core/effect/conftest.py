"""A reader's view of an archive, as its own tests have it."""

from __future__ import annotations

from tests.core.server.conftest import commit as commit
from tests.core.server.conftest import view as view
