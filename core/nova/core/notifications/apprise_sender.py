"""Sends messages to mail, chats and pagers by Apprise, an optional library."""

from __future__ import annotations

import asyncio
import logging
import threading
from types import ModuleType

from nova.core.notifications.notice import MessageContent
from nova.core.notifications.notification_file import NotificationTarget
from nova.core.notifications.send_result import SENT, SendResult
from nova.sdk.errors import NovaError
from nova.sdk.optional_imports import import_optional

REFUSED = "the service did not take it; Apprise gives no reason that may be logged"
STILL_SENDING = "the attempt before has not ended yet"


class AppriseSender:
    """Sends to one URL of Apprise, in a thread of its own: it blocks, and may do so for long."""

    resends = False

    def __init__(self, target: NotificationTarget) -> None:
        assert target.url is not None
        self._url = target.url
        self._timeout_s = target.timeout_s
        self._thread: threading.Thread | None = None

    async def send(self, content: MessageContent) -> SendResult:
        if self._thread is not None and self._thread.is_alive():
            return SendResult(False, STILL_SENDING)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[SendResult] = loop.create_future()

        def complete(result: SendResult) -> None:
            if not done.done():
                done.set_result(result)

        def run() -> None:
            result = self._send(content)
            if not loop.is_closed():
                loop.call_soon_threadsafe(complete, result)

        # A thread that hangs must not hold up the end of the process.
        self._thread = threading.Thread(target=run, name="apprise", daemon=True)
        self._thread.start()
        try:
            return await asyncio.wait_for(done, self._timeout_s)
        except TimeoutError:
            return SendResult(False, f"no reply within {self._timeout_s:g} s", is_certain=False)

    def _send(self, content: MessageContent) -> SendResult:
        try:
            service = open_service(self._url)
        except NovaError as error:
            return SendResult(False, str(error), is_final=True)
        except Exception as error:  # Of the plug-in: nothing is sent yet.
            return SendResult(False, f"Apprise failed: {type(error).__name__}", is_final=True)
        try:
            is_sent = service.notify(title=content.title(), body=content.text())
        except Exception as error:  # Services are plug-ins; their texts may contain the URL.
            return SendResult(False, f"failed: {type(error).__name__}", is_certain=False)
        return SENT if is_sent else SendResult(False, REFUSED)


def open_service(url: str) -> ModuleType:
    """The service of a URL; raises NovaError if Apprise is not installed or does not know it."""
    apprise = import_optional("apprise", "notify", "nova-truth")
    # Its logs contain parts of URLs.
    logging.getLogger("apprise").disabled = True
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        scheme = url.partition("://")[0]
        raise NovaError(f"url: Apprise cannot use this URL of {scheme}: see its documentation")
    found: ModuleType = service
    return found
