"""Entry points: how transports, commands and drivers, ours and others', are found by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import cast

from sdk.errors import NovaError


def names(group: str) -> set[str]:
    """The names that installed packages register in a group."""
    return {point.name for point in entry_points(group=group)}


def load(group: str, name: str) -> Callable[..., object]:
    """The object behind one name; raises NovaError saying what to install if its import fails."""
    for point in entry_points(group=group, name=name):
        try:
            return cast(Callable[..., object], point.load())
        except ImportError as error:
            raise NovaError(
                f"{name!r} of {group} needs {error.name}: pip install 'nova-truth[{name}]'"
            ) from error
    raise NovaError(f"nothing is registered as {name!r} in {group}")
