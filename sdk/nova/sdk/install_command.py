"""What to type to install a part of NOVA. It is not on a package index, where other projects have
similar names: the wheels are those that `make wheel` builds, and the version is pinned.
"""

from __future__ import annotations

WHEELS = "dist"
"""The folder of the wheels in a clone, where `make wheel` leaves them."""

OWN = ("nova-sdk", "nova-truth")


def install_command(distribution: str, extra: str | None = None) -> str:
    """A shell command that installs the running version of a distribution, with an extra. For a
    distribution of somebody else it names no folder and no version.
    """
    wanted = distribution if extra is None else f"{distribution}[{extra}]"
    if distribution not in OWN:
        return f"pip install '{wanted}'"
    return f"pip install --find-links {WHEELS} '{wanted}=={_version()}'"


def _version() -> str:
    from importlib.metadata import version  # 30 ms, which only an error pays

    return version("nova-sdk")  # nova-truth pins the same version
