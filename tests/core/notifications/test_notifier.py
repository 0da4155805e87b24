"""Notifications follow the alarms: each raising once, and none of what is late or was sent."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime

from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import AlarmRule, Staleness
from tests.core.alarms.alarm_oracle import SECOND
from tests.core.notifications.notified import GOOD, LOW, LOWER, notified
from tests.core.notifications.receiving import receiving_webhook


async def test_each_raising_is_sent_once_over_restarts_and_a_rebuild() -> None:
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received)
            archive.value(LOW, "a")
            archive.value(LOW, "b")
            await archive.deliver(1)
            archive.start()
            archive.value(LOWER, "a")
            archive.archived.make(anew=True)
            archive.value(GOOD, "b")
            archive.value(LOW, "b")
            await archive.deliver(2)
            alarms = [alarm for body in received.bodies for alarm in body["alarms"]]
            assert [alarm["uniqueId"] for alarm in alarms] == ["a", "b", "b"]
            assert len({alarm["alarmId"] for alarm in alarms}) == 3
            assert not received.faults
            assert [event.outcome for event in archive.events] == ["sent", "sent"]
            assert [event.message_id for event in archive.events] == received.ids
            archive.start()
            (route,) = archive.delivery.routes.parts(archive.file)
            assert (route.name, route.state) == ("all/hook", "sent"), "it outlives the process"


async def test_late_data_notify_nobody_until_newer_values_keep_the_alarm_raised() -> None:
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received)
            archive.value(LOW, "a", age_s=3_600)
            archive.value(LOW, "b", age_s=3_600)
            archive.notifier.follow()
            assert not archive.ledger.due_groups(timestamps.now())
            archive.value(GOOD, "a")
            archive.value(LOW, "b")
            await archive.deliver(1)
            assert [alarm["uniqueId"] for alarm in received.bodies[0]["alarms"]] == ["b"]
            assert len(received.bodies) == 1


async def test_what_is_not_acknowledged_in_time_is_escalated() -> None:
    escalate = {"afterS": 0.5, "targets": ["hook"]}
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received, escalate=escalate)
            archive.value(LOW, "a")
            archive.value(LOW, "b")
            archive.notifier.follow()
            archive.act("acknowledge", "a")
            await archive.deliver(2)
            raised, escalated = received.bodies
            assert (raised["kind"], escalated["kind"]) == ("raised", "escalated")
            assert [alarm["uniqueId"] for alarm in escalated["alarms"]] == ["b"]


async def test_nobody_is_escalated_to_before_it_is_known_what_was_acknowledged() -> None:
    """Neither by a notifier that was away meanwhile, nor while alarms are judged late; but an
    escalation does not wait for ever.
    """
    escalate = {"afterS": 2, "targets": ["hook"]}
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received, escalate=escalate)
            archive.value(LOW, "a")
            archive.value(LOW, "b")
            await archive.deliver(1)
            archive.act("acknowledge", "a")
            archive.start()
            later_ns = timestamps.now() + 3 * SECOND
            archive.delivery.make_messages(later_ns)
            assert archive.ledger.next_message("hook", later_ns) is None
            archive.notifier.follow()
            archive.delivery.make_messages(later_ns)
            assert archive.ledger.next_message("hook", later_ns) is None, "not all is judged yet"
            much_later_ns = later_ns + 61 * SECOND
            archive.delivery.make_messages(much_later_ns)
            message = archive.ledger.next_message("hook", much_later_ns)
            assert message is not None and message.content.kind == "escalated"
            assert [alarm.unique_id for alarm in message.content.alarms] == ["b"]


async def test_after_quiet_hours_nobody_is_escalated_to_before_the_first_had_their_time() -> None:
    now_s = timestamps.now() // SECOND
    begin, end = (datetime.fromtimestamp(now_s + hours * 3_600, UTC) for hours in (-1, 2))
    quiet = {"from": f"{begin:%H:%M}", "to": f"{end:%H:%M}", "timeZone": "UTC"}
    escalate = {"afterS": 300, "targets": ["hook"]}
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received, escalate=escalate, quiet=quiet)
            archive.value(LOW, "a")
            archive.notifier.follow()
            end_ns = int(end.replace(second=0).timestamp()) * SECOND
            due = [
                [group.kind for group in archive.ledger.due_groups(end_ns + after_s * SECOND)]
                for after_s in (-1, 0, 299, 300)
            ]
            assert due == [[], ["raised"], ["raised"], ["raised", "escalated"]]
            archive.value(LOWER, "a")
            archive.notifier.follow()
            soon_ns = timestamps.now() + 301 * SECOND
            kinds = [group.kind for group in archive.ledger.due_groups(soon_ns)]
            assert kinds == ["raised", "escalated"], "a critical alarm does not wait"


async def test_a_shelved_alarm_is_notified_of_when_it_is_unshelved() -> None:
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received)
            archive.act("shelve", "a")
            archive.value(LOW, "a")
            archive.notifier.follow()
            assert not archive.ledger.due_groups(timestamps.now())
            archive.start()
            archive.act("unshelve", "a")
            await archive.deliver(1)
            assert received.bodies[0]["alarms"][0]["uniqueId"] == "a"


async def test_an_alarm_that_is_worse_than_acknowledged_counts_as_raised_again() -> None:
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received)
            archive.value(LOW)
            await archive.deliver(1)
            archive.act("acknowledge", severity="warning")
            archive.value(LOWER)
            await archive.deliver(2)
            severities = [body["alarms"][0]["severity"] for body in received.bodies]
            assert severities == ["warning", "critical"]


async def test_silence_is_notified_of_though_nothing_is_received() -> None:
    silent = AlarmRule(
        rule_id="silent", message_type="Power", field="volts", stale=Staleness(after_s=0.5)
    )
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received, rules=["silent"])
            archive.rule(silent)
            archive.value(GOOD, "a")
            await archive.deliver(1)
            archive.start()
            archive.notifier.follow()
            assert [body["alarms"][0]["ruleId"] for body in received.bodies] == ["silent"]
            assert not archive.ledger.due_groups(timestamps.now())


async def test_a_rule_selects_by_scope_rule_entity_and_severity() -> None:
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            selection = {"scopes": ["s*"], "rules": ["volts-*"], "entities": ["bus/*/b"]}
            archive = notified(stack, received, minSeverity="critical", **selection)
            archive.value(LOWER, "a")
            archive.value(LOW, "b")
            archive.notifier.follow()
            assert not archive.ledger.due_groups(timestamps.now())
            archive.value(LOWER, "b")
            await archive.deliver(1)
            (alarm,) = received.bodies[0]["alarms"]
            assert (alarm["uniqueId"], alarm["severity"]) == ("b", "critical")


async def test_raisings_of_a_while_become_one_message() -> None:
    async with receiving_webhook() as received:
        with ExitStack() as stack:
            archive = notified(stack, received, groupS=60)
            archive.value(LOW, "a")
            archive.notifier.follow()
            archive.value(LOW, "b")
            archive.notifier.follow()
            assert not archive.ledger.due_groups(timestamps.now())
            archive.delivery.make_messages(timestamps.now() + 61 * SECOND)
            message = archive.ledger.next_message("hook", timestamps.now() + 61 * SECOND)
            assert message is not None
            assert [alarm.unique_id for alarm in message.content.alarms] == ["a", "b"]
