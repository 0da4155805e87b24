"""What pyproject.toml cannot say: a wheel carries the web page, or it is not built."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

PAGE = Path(__file__).parent / "edge" / "static" / "index.html"
NOT_BUILT = (
    "edge/static/index.html is not there: the wheel would hold an edge without its web page. "
    "Run `make wheel`, which builds the page first (it needs Node), or `npm --prefix web ci && "
    "npm --prefix web run build`, then build the wheel again."
)


class BuildWithPage(build_py):
    """Copies the packages into a wheel; an editable install may come before the page."""

    def run(self) -> None:
        """Refuse before anything is copied."""
        if not self.editable_mode and not PAGE.is_file():
            raise SetupError(NOT_BUILT)
        super().run()


setup(cmdclass={"build_py": BuildWithPage})
