"""What pyproject.toml cannot say: a wheel carries the web page, or it is not built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path(__file__).parent / "edge" / "nova" / "edge" / "static" / "index.html"
NOT_BUILT = (
    "edge/nova/edge/static/index.html is missing: the wheel would hold an edge without its web "
    "page. Run `make wheel`, which builds the page first (it needs Node), or `npm --prefix web ci "
    "&& npm --prefix web run build`, then build the wheel again."
)


class BuildWithPage(BuildHookInterface):
    """Refuses to build a wheel without the page; an editable install may come before the page."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Runs before anything is copied."""
        if version != "editable" and not PAGE.is_file():
            raise FileNotFoundError(NOT_BUILT)
