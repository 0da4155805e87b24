"""Output of commands on a terminal, and when it is redirected."""

from __future__ import annotations

import pytest

from nova.cli import console


def test_progress_is_silent_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A log or a pipe gets no bars."""
    with console.progress("file", 100) as report:
        report(50, 1000)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_progress_shows_bytes_and_rate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal: name, bytes done of all, events and events per second."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    with console.progress("flight.DAT1", 2_000_000) as report:
        report(1_000_000, 4321)
    shown = capsys.readouterr().err
    assert "flight.DAT1" in shown
    assert "1.0/2.0 MB" in shown
    assert "4,321 events" in shown


def test_json_is_one_line_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read stdout; trouble goes to stderr."""
    console.print_json({"sent": 1, "name": "ä\n"})
    console.warn("trouble")
    captured = capsys.readouterr()
    assert captured.out == '{"sent":1,"name":"ä\\n"}\n'
    assert "trouble" in captured.err
