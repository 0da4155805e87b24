"""Optional libraries of the extra `formats`, imported on first use: the base stays small."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from nova.sdk.errors import NovaError


def import_optional(module: str) -> ModuleType:
    """Import a module of an optional library; raises NovaError that says what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        raise NovaError(
            f"{error.name or module} is not installed: pip install 'nova-truth[formats]'"
        ) from error
