"""Alarm rules as the Core's own events: published when they change, withdrawn when they go."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.core.writer.rule_events import last_published, publish_rules, unpublished_rules
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.alarms.alarm_rule_files import RuleFile, load_rules, load_usable_rules
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


async def test_a_file_with_a_fault_keeps_its_rules_in_effect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also one that repeats a rule of another file; the other files are published all the same."""
    data, folder = tmp_path / "data", tmp_path / "rules"
    folder.mkdir()
    settings = Settings(data=str(data), scope=SCOPE)
    ids = ("battery", "heater", "tank")
    for rule_id in ids:
        write_rules(folder, rule_id, {**SOUND, "ruleId": rule_id})
    for damage, more in ((b"{", "wheel"), (b"[" * 100_000, "mast"), (None, "boom")):
        async with running_writer(settings, rules=load_usable_rules(folder)):
            pass
        if damage is None:
            write_rules(folder, "battery", SOUND, {**SOUND, "ruleId": "heater"})
            write_rules(folder, "heater", SOUND, {**SOUND, "ruleId": "heater"})
        else:
            (folder / "heater.json").write_bytes(damage)
        (folder / "tank.json").unlink(missing_ok=True)
        write_rules(folder, more, {**SOUND, "ruleId": more})
        caplog.clear()
        async with running_writer(settings, rules=load_usable_rules(folder)):
            pass
        errors = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
        assert errors == [f"alarm rules of {folder / 'heater.json'} cannot be used"]
        with closing(Archive.open_primary(data)) as archive:
            held = last_published(archive, SCOPE)
        assert {*ids, more} <= {rule_id for rule_id, rule in held.items() if rule is not None}
