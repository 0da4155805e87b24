"""Optional libraries: there, or an error that says what to install."""

from __future__ import annotations

import pytest

from nova.sdk.errors import NovaError
from nova.sdk.optional_imports import import_optional


def test_module_is_loaded() -> None:
    """The module itself comes back."""
    assert import_optional("pynmea2").__name__ == "pynmea2"


def test_missing_library_says_what_to_install() -> None:
    """A small install learns which extra it lacks."""
    with pytest.raises(NovaError, match=r"no_such_library.*'nova-sdk\[formats\]==\d"):
        import_optional("no_such_library.part")
    with pytest.raises(NovaError, match=r"no_such_library.*'nova-sdk\[simulator\]==\d"):
        import_optional("no_such_library.part", "simulator")
