"""Alarm rules as the Core's own events: published when they change, withdrawn when they go."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.core.writer.rule_events import last_published, publish_rules, unpublished_rules
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.alarms.alarm_rule_files import RuleFile, load_rules
from nova.sdk.settings import Settings
from tests.core.running import running_writer
from tests.sdk.alarms.test_alarm_rule_files import SOUND, write_rules

SCOPE = "sat"


def rule_of(rule_id: str, low: float) -> AlarmRule:
    return AlarmRule(
        rule_id=rule_id, message_type="Power", field="volts", ranges={"warning": Bounds(low=low)}
    )


def test_what_differs_is_published_and_what_is_gone_is_withdrawn(tmp_path: Path) -> None:
    one, other, changed = rule_of("one", 1), rule_of("other", 2), rule_of("one", 3)
    with closing(Archive.open_primary(tmp_path)) as archive:
        committer = Committer(archive, tmp_path, own_scope=SCOPE)
        for now_ns, rules, news in (
            (1, [one, other], 2),
            (2, [one, other], 0),
            (3, [changed], 2),
            (4, [one, other], 2),
        ):
            files = [RuleFile(Path("rules.toml"), rules)]
            assert len(unpublished_rules(archive, SCOPE, files, now_ns)) == news
            publish_rules(committer, archive, SCOPE, files, now_ns)
            held = last_published(archive, SCOPE).values()
            assert [rule for rule in held if rule is not None] == rules
        assert last_published(archive, "another") == {}


async def test_a_writer_publishes_the_rules_of_its_folder_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_rules(tmp_path, "power", SOUND)
    settings = Settings(data=str(data), scope=SCOPE)
    for _ in range(2):
        async with running_writer(settings, rules=load_rules(tmp_path)):
            pass
        with closing(Archive.open_primary(data)) as archive:
            rows = [stored for _, stored in archive.events.scan("canonical")]
            assert sum(b'"AlarmRulePublished"' in stored for stored in rows) == 1
            assert list(last_published(archive, SCOPE)) == ["voltage"]
