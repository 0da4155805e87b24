"""Checks that a container engine responds and has an image, or can pull it."""

from __future__ import annotations

import shutil
import subprocess

ENGINE_TIMEOUT_S = 10
PULL_TIMEOUT_S = 600


def unavailable_reason(image: str) -> str | None:
    """Why a container of this image cannot run here; None if it can."""
    if shutil.which("docker") is None:
        return "no docker command"
    if _fails(["version"], ENGINE_TIMEOUT_S):
        return "the container engine does not respond"
    if not _fails(["image", "inspect", image], ENGINE_TIMEOUT_S):
        return None
    if _fails(["pull", "-q", image], PULL_TIMEOUT_S):
        return f"the container engine cannot pull {image}"
    return None


def _fails(arguments: list[str], timeout_s: int) -> bool:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0
