"""Results of commands and their warnings."""

from __future__ import annotations

import json

import pytest

from nova.console import printing


def test_json_is_one_line_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read stdout; trouble goes to stderr."""
    printing.print_json({"sent": 1, "name": "ä\n"})
    printing.warn("trouble")
    captured = capsys.readouterr()
    assert captured.out == '{"sent":1,"name":"ä\\n"}\n'
    assert "trouble" in captured.err


def test_json_does_not_drive_the_terminal_either(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": "ä\x1b\x7f\x9b\u202e\U000e0001"}
    printing.print_json(value)
    line = capsys.readouterr().out
    assert line == '{"name":"ä\\u001b\\u007f\\u009b\\u202e\\udb40\\udc01"}\n'
    assert json.loads(line) == value


def test_text_of_events_does_not_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert printing.plain("ä [b] \x1b[2J\n\u202e\ud800") == "ä [b] \\x1b[2J\\n\\u202e\\ud800"
    printing.warn("one\ntwo \x1b]0;x\x07")
    assert capsys.readouterr().err.count("\n") == 2
    assert "\x1b" not in printing.plain_lines("a\n\x1b") == "a\n\\x1b"
