"""Messages are sent at most once, a web hook's by its id, and who fails holds up nobody."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import msgspec
import pytest

from nova.sdk import timestamps
from nova.sdk.field_types import JsonObject
from tests.core.notifications.notified import (
    GOOD,
    LOW,
    NotifiedArchive,
    notification_file,
    notified,
)
from tests.core.notifications.receiving import SECRET, receiving_mail, receiving_webhook

PASSWORD = "mail-key-7"
CLOSED_PORT = 1
BOTH = ("hook", "mail")

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Apprise imports it."""


def mail_target(port: int) -> JsonObject:
    query = "smtp=127.0.0.1&from=nova@example.org&to=eva@example.org&mode=insecure"
    return {"name": "mail", "url": f"mailto://nova:{PASSWORD}@127.0.0.1:{port}/?{query}"}


def notified_by_mail(stack: ExitStack, url: str, port: int) -> NotifiedArchive:
    """An archive that notifies a web hook and a mailbox."""
    file = notification_file(url, more=[mail_target(port)], targets=list(BOTH))
    archive = NotifiedArchive(stack, file)
    stack.callback(archive.close)
    return archive


def interrupt(archive: NotifiedArchive) -> None:
    """Begin to send what is due, and end there, as a killed process does."""
    archive.notifier.follow()
    archive.delivery.make_messages(timestamps.now())
    for target in BOTH:
        message = archive.ledger.next_message(target, timestamps.now())
        assert message is not None
        archive.ledger.begin(message.content.message_id)
    archive.start()


def outcomes(archive: NotifiedArchive) -> dict[str, str]:
    return {event.target: event.outcome for event in archive.events}


async def test_what_was_being_sent_is_sent_again_to_web_hooks_only() -> None:
    async with receiving_webhook() as received, receiving_mail() as mails:
        with ExitStack() as stack:
            archive = notified_by_mail(stack, received.url, mails.port)
            archive.value(LOW)
            interrupt(archive)
            await archive.deliver(2)
            assert outcomes(archive) == {"hook": "sent", "mail": "unknown"}
            assert len(received.ids) == 1
            assert not mails.mails


async def test_a_mail_says_what_is_wrong() -> None:
    async with receiving_webhook() as received, receiving_mail() as mails:
        with ExitStack() as stack:
            archive = notified_by_mail(stack, received.url, mails.port)
            archive.value(LOW)
            await archive.deliver(2)
            assert outcomes(archive) == {"hook": "sent", "mail": "sent"}
            (mail,) = mails.mails
            assert "warning" in mail
            assert "Low voltage" in mail
            assert "bus/eps/a" in mail


async def test_a_target_that_fails_stops_nobody_and_shows_no_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified_by_mail(stack, received.url, CLOSED_PORT)
            archive.value(LOW)
            await archive.deliver(2)
            assert outcomes(archive) == {"hook": "sent", "mail": "failed"}
            shown = caplog.text + msgspec.json.encode(archive.events).decode()
            assert PASSWORD not in shown
            assert SECRET not in shown


async def test_a_web_hook_is_tried_again_a_few_times() -> None:
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received)
            received.status = 503
            archive.value(LOW)
            await archive.deliver(1)
            received.status = 200
            archive.value(GOOD)
            archive.value(LOW)
            await archive.deliver(2)
            failed, sent = archive.events
            assert (failed.outcome, failed.attempts) == ("failed", 5)
            assert failed.error == "refused with HTTP status 503"
            assert (sent.outcome, sent.attempts) == ("sent", 1)


async def test_a_refusal_that_would_be_repeated_is_final() -> None:
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received)
            received.status = 404
            archive.value(LOW)
            await archive.deliver(1)
            assert (archive.events[0].outcome, archive.events[0].attempts) == ("failed", 1)


async def test_a_target_that_cannot_be_used_stops_nobody() -> None:
    """Whatever a check has missed in the file."""
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            unsigned: JsonObject = {"name": "unsigned", "webhook": received.url}
            file = notification_file(received.url, more=[unsigned], targets=["unsigned", "hook"])
            archive = NotifiedArchive(stack, file)
            stack.callback(archive.close)
            archive.value(LOW)
            await archive.deliver(2)
            assert outcomes(archive) == {"hook": "sent", "unsigned": "failed"}
