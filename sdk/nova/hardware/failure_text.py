"""What went wrong with a device, in one line."""

from __future__ import annotations

import contextlib
import signal

from nova.hardware.device import CommandRefusedError, DeviceError

REASON_MAX_CHARS = 500


def one_line(error: BaseException) -> str:
    """An error in one line; the type's name is left out for DeviceError and CommandRefusedError."""
    with contextlib.suppress(Exception):
        text = " ".join(str(error).split())
        ours = isinstance(error, DeviceError | CommandRefusedError)
        return (text if ours and text else f"{type(error).__name__}: {text}")[:REASON_MAX_CHARS]
    return type(error).__name__


def exit_text(status: int | None) -> str:
    """How a device's process ended, by its status as `subprocess` has it."""
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return f"its process was killed by {signal.Signals(-status).name}"
    return f"its process exited with status {status}"
