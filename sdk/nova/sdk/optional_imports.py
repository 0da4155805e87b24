"""Optional libraries of an extra, imported on first use: the base stays small."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from nova.sdk.errors import NovaError
from nova.sdk.install_command import install_command


def import_optional(
    module: str, extra: str = "formats", distribution: str = "nova-sdk"
) -> ModuleType:
    """Import a module of an optional library; raises NovaError that says what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        raise NovaError(
            f"{error.name or module} is not installed: {install_command(distribution, extra)}"
        ) from error
