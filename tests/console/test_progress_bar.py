"""Progress on a terminal, and when stderr is redirected."""

from __future__ import annotations

import pytest

from nova.console.progress_bar import progress


def test_progress_is_silent_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A log or a pipe gets no bars."""
    with progress("file", 100) as report:
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
    with progress("flight.DAT1", 2_000_000) as report:
        report(1_000_000, 4321)
    shown = capsys.readouterr().err
    assert "flight.DAT1" in shown
    assert "1.0/2.0 MB" in shown
    assert "4,321 events" in shown
