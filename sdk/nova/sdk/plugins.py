"""Entry points: transports, commands and drivers of all installed packages, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, cast

from nova.sdk.errors import NovaError
from nova.sdk.install_command import install_command

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

DEFAULT_DISTRIBUTION = "nova-truth"


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    """Cached, because scanning all installed packages takes tens of milliseconds."""
    from importlib.metadata import entry_points  # 30 ms, which a program without plug-ins saves

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
                f"{name!r} of {group} needs {error.name}: {install_hint(group, name)}"
            ) from error
    raise NovaError(f"no installed package registers {name!r} in {group}")


def install_hint(group: str, name: str) -> str:
    """The shell command that installs what an entry point lacks: the extra of its name of the
    distribution that registers it.
    """
    distributions = [point.dist for point in _points(group) if point.name == name]
    found = next((one.name for one in distributions if one is not None), DEFAULT_DISTRIBUTION)
    return install_command(found, name)
