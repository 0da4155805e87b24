"""The state of an instance, for those that report it."""

from __future__ import annotations

from nova.cli.instance_health import InstanceHealth


def test_an_instance_is_healthy_while_its_awaited_processes_answer() -> None:
    """Those of derived data may be away."""
    health = InstanceHealth(("writer", "edge"), ("sampler",))
    assert health.state == "starting"
    told = [health.is_healthy]
    health.subscribe(lambda: told.append(health.is_healthy))
    health.set_process("writer", "ready")
    health.set_process("edge", "ready")
    health.set_process("sampler", "hung")
    health.set_process("writer", "hung")
    assert told == [False, False, True, True, False]
    assert [(one.name, one.state) for one in health.processes()] == [
        ("edge", "ready"),
        ("sampler", "hung"),
        ("writer", "hung"),
    ]


def test_subscribers_are_called_after_changes_alone() -> None:
    """A state that is set again is none."""
    health = InstanceHealth(("writer",))
    seen: list[tuple[str, str]] = []
    health.subscribe(lambda: seen.append((health.state, health.state_of("writer"))))
    health.set_process("writer", "ready")
    health.set_process("writer", "ready")
    health.set_state("ready")
    health.set_process("writer", "ready", restarts=1)
    health.set_state("stopping")
    assert seen == [
        ("starting", "ready"),
        ("ready", "ready"),
        ("ready", "ready"),
        ("stopping", "ready"),
    ]
