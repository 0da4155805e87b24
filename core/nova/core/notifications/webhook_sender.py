"""Web hooks: messages as signed HTTP POSTs, by the specification Standard Webhooks, so that a
receiver knows who sent them, when, and which it has already.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

import aiohttp
import msgspec

from nova.core.notifications.notice import MessageContent
from nova.core.notifications.notification_file import NotificationTarget
from nova.core.notifications.send_result import SENT, SendResult

SECRET_PREFIX = "whsec_"
BUSY_STATUSES = (408, 425, 429)
"""Refusals of this time."""


class WebhookSender:
    """Posts to one web hook."""

    resends = True

    def __init__(self, target: NotificationTarget) -> None:
        assert target.webhook is not None and target.secret is not None
        self._url = target.webhook
        self._key = secret_key(target.secret)
        self._timeout_s = target.timeout_s

    async def send(self, content: MessageContent) -> SendResult:
        body = msgspec.json.encode(content)
        headers = {
            "Content-Type": "application/json",
            **signed_headers(self._key, content.message_id, int(time.time()), body),
        }
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self._url, data=body, headers=headers, allow_redirects=False) as reply,
            ):
                return _result(reply.status)
        except aiohttp.ClientConnectorError as error:
            return SendResult(False, f"no connection: {error.os_error.strerror or 'failed'}")
        except TimeoutError:
            return SendResult(False, f"no reply within {self._timeout_s:g} s", is_certain=False)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return SendResult(False, f"no reply: {type(error).__name__}", is_certain=False)


def _result(status: int) -> SendResult:
    if 200 <= status < 300:
        return SENT
    is_final = status < 500 and status not in BUSY_STATUSES
    return SendResult(False, f"refused with HTTP status {status}", is_final=is_final)


def secret_key(secret: str) -> bytes:
    """The key in a secret: base64 after `whsec_`, or the text itself."""
    if secret.startswith(SECRET_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except ValueError:  # It is not base64, or not ASCII.
            pass
    return secret.encode()


def signed_headers(key: bytes, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers that identify, date and sign a message."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{signature}",
    }
