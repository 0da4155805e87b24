"""Headers of the HTTP read API that its clients and gateways know too."""

from __future__ import annotations

from typing import Final

AUDIT_HEADER: Final = "Nova-Audit"
"""Of a request that is to be recorded for audit: who asks."""

NEXT_KEY_HEADER: Final = "Nova-Next-Key"
"""Of an answer that is a page: the `afterKey` of the next one."""
