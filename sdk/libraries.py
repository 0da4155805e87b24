"""Libraries of the extra `formats`, loaded when first needed: a small install stays small."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from sdk.errors import NovaError


def library(module: str) -> ModuleType:
    """A module of an optional library; raises NovaError saying what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        raise NovaError(
            f"this needs {error.name or module}: pip install 'nova-truth[formats]'"
        ) from error
