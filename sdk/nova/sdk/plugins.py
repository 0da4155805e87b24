"""Entry points: transports, commands and drivers of all installed packages, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from nova.sdk.errors import NovaError


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    """Cached, because scanning all installed packages takes tens of milliseconds."""
    return tuple(entry_points(group=group))


def names(group: str) -> set[str]:
    """The entry-point names that installed packages register in a group."""
    return {point.name for point in _points(group)}


def load(group: str, name: str) -> Callable[..., object]:
    """The object of an entry point; raises NovaError with what to install if its import fails."""
    for point in _points(group):
        if point.name != name:
            continue
        try:
            return cast(Callable[..., object], point.load())
        except ImportError as error:
            raise NovaError(
                f"{name!r} of {group} needs {error.name}: pip install 'nova-truth[{name}]'"
            ) from error
    raise NovaError(f"no installed package registers {name!r} in {group}")
