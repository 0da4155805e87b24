"""NOVA_NATIVE decides whether the native part is used; only a required one must be there."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from nova.sdk.errors import SettingsError
from nova.sdk.native import API, MODULE, native_part


def installed(api: int) -> ModuleType:
    """A module in place of the native part."""
    module = ModuleType(MODULE)
    vars(module)["API"] = api
    return module


@pytest.mark.parametrize("wanted", ["", "1"])
def test_the_installed_one_is_used(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setitem(sys.modules, MODULE, installed(API))
    monkeypatch.setenv("NOVA_NATIVE", wanted)
    found: object = native_part()
    assert found is sys.modules[MODULE]


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULE, installed(API))
    monkeypatch.setenv("NOVA_NATIVE", "0")
    assert native_part() is None


@pytest.mark.parametrize("module", [None, installed(API + 1)])
def test_without_one_of_this_version_python_does_the_work(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType | None
) -> None:
    """None in sys.modules stops an import as an absent module does."""
    monkeypatch.setitem(sys.modules, MODULE, module)
    monkeypatch.setenv("NOVA_NATIVE", "")
    assert native_part() is None
    monkeypatch.setenv("NOVA_NATIVE", "1")
    with pytest.raises(
        SettingsError, match=r"NOVA_NATIVE is 1, but nova\.native .*: install nova-n"
    ):
        native_part()


def test_other_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOVA_NATIVE", "yes")
    with pytest.raises(SettingsError, match=r"'yes': set it to 0 \(never\) or 1 \(required\)"):
        native_part()
