"""What a page sends and receives on its WebSockets, also one that is open already."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import CDPSession, Page

STREAM = "streamChunk"


class PageTraffic:
    """Messages of a page since the last `clear`."""

    def __init__(self, page: Page) -> None:
        self.received: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self.received_bytes: Counter[str] = Counter()
        self._browser: CDPSession = page.context.new_cdp_session(page)
        self._browser.on("Network.webSocketFrameReceived", self._on_received)
        self._browser.on("Network.webSocketFrameSent", self._on_sent)
        self._browser.send("Network.enable")

    def _on_received(self, event: Mapping[str, Any]) -> None:
        text = event["response"]["payloadData"]
        message = json.loads(text)
        self.received.append(message)
        self.received_bytes[message["type"]] += len(text)

    def _on_sent(self, event: Mapping[str, Any]) -> None:
        self.sent.append(json.loads(event["response"]["payloadData"]))

    def clear(self) -> None:
        """Count from now on."""
        self.received.clear()
        self.sent.clear()
        self.received_bytes.clear()

    def sent_types(self) -> Counter[str]:
        """How many requests of each type were sent."""
        return Counter(str(message["type"]) for message in self.sent)

    def close(self) -> None:
        """Listen no longer."""
        self._browser.detach()
