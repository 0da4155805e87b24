"""The setting `limits`."""

from __future__ import annotations

import pytest

from nova.sdk import settings
from nova.sdk.errors import SettingsError
from nova.sdk.request_limit import DEFAULT_LIMITS, RequestLimit, request_limits


def test_what_is_not_named_keeps_its_default() -> None:
    found = request_limits(["query=600/60", " export=5/3600"])
    assert found["query"] == RequestLimit(600, 60.0)
    assert found["export"] == RequestLimit(5, 3_600.0)
    assert found["stream"] == DEFAULT_LIMITS["stream"]


@pytest.mark.parametrize(
    "text",
    ["", "query", "query=1", "logins=1/1", "query=0/1", "query=1/0", "query=1/3601", "q=-1/1"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="limits: "):
        request_limits([text])


def test_it_comes_from_the_environment() -> None:
    found = settings.load(environment={"NOVA_SCOPE": "s", "NOVA_LIMITS": "query=9/1,http=8/2"})
    assert found.limits == ("query=9/1", "http=8/2")
    assert settings.as_environment(found)["NOVA_LIMITS"] == "query=9/1,http=8/2"
    with pytest.raises(SettingsError, match="limits"):
        settings.load(environment={"NOVA_SCOPE": "s", "NOVA_LIMITS": "query=many"})
