"""The errors of derived telemetry."""

from __future__ import annotations

from nova.sdk.errors import NovaError


class FormulaError(NovaError):
    """A formula cannot be loaded, or its process failed as a whole."""


class EvaluationLimitError(FormulaError):
    """An evaluation exceeded its time or its memory."""
