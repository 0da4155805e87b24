"""Logs: one JSON object per line on stderr, extended by `extra={"context": {...}}`."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import logging
import os
import sys
import threading
from types import TracebackType

from nova.sdk.errors import SettingsError
from nova.sdk.log_handler import JsonHandler, Output, stderr_output

LEVEL_VARIABLE = "NOVA_LOG_LEVEL"

log = logging.getLogger(__name__)


def configure(process: str, output: Output | None = None) -> None:
    """Log all that this process and its libraries log, warn of or fail by, from the level in
    NOVA_LOG_LEVEL on, to stderr or `output`; raises SettingsError.
    """
    name = os.environ.get(LEVEL_VARIABLE, "info").upper()
    level = logging.getLevelNamesMapping().get(name)
    if level is None:
        raise SettingsError(f"{LEVEL_VARIABLE} {name!r} is not debug, info, warning or error")
    handler = JsonHandler(process, output or stderr_output())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    sys.unraisablehook = _log_unraisable
    # A dump of a crash is not JSON by itself; `nova up` makes a line of it.
    with contextlib.suppress(io.UnsupportedOperation, ValueError, AttributeError):
        if not faulthandler.is_enabled():
            faulthandler.enable()


def configured_process() -> str | None:
    """The name under which this process logs lines of JSON; None if it does not."""
    handlers = logging.getLogger().handlers
    return next((one.process for one in handlers if isinstance(one, JsonHandler)), None)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("the process ends by an exception", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is None or found.exc_type is SystemExit:
        return
    name = None if found.thread is None else found.thread.name
    log.critical(
        "a thread ended by an exception",
        exc_info=(found.exc_type, found.exc_value, found.exc_traceback),
        extra={"context": {"thread": name}},
    )


def _log_unraisable(found: sys.UnraisableHookArgs) -> None:
    error = found.exc_value
    info = None if error is None else (found.exc_type, error, found.exc_traceback)
    message = found.err_msg or "an exception was ignored"
    log.error(message, exc_info=info, extra={"context": {"in": repr(found.object)}})
