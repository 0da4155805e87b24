"""Results of commands and their warnings."""

from __future__ import annotations

import pytest

from nova.console import printing


def test_json_is_one_line_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read stdout; trouble goes to stderr."""
    printing.print_json({"sent": 1, "name": "ä\n"})
    printing.warn("trouble")
    captured = capsys.readouterr()
    assert captured.out == '{"sent":1,"name":"ä\\n"}\n'
    assert "trouble" in captured.err
