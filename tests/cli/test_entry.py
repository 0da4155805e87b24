"""The program `nova` where the libraries of its commands are not installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

STARTS = {
    "script": "from nova.cli.entry import main; main()",
    "module": "import runpy; runpy.run_module('nova.cli', run_name='__main__')",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())
@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["up", "--scope", "sat1"]])
def test_without_click_one_line_says_what_to_install(start: str, arguments: list[str]) -> None:
    code = f"import sys; sys.modules['click'] = None; {start}"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"'nova-sdk[cli]=={version('nova-sdk')}'" in done.stderr
    assert f"'nova-truth=={version('nova-truth')}'" in done.stderr


def test_a_command_whose_library_is_missing_names_the_extra() -> None:
    """Somebody else's package may have installed click, and not the rest."""
    code = "import sys; sys.modules['aiohttp'] = None; " + STARTS["script"]
    done = subprocess.run(
        [sys.executable, "-c", code, "tail", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "nova tail needs aiohttp: pip install --find-links dist 'nova-sdk[cli]==" in done.stderr
