"""A reader's view of an archive, as its own tests have it."""

from __future__ import annotations

from tests.core.reader.conftest import commit as commit
from tests.core.reader.conftest import view as view
