"""Plug-ins are found by name, and a missing one is said in words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nova.sdk import plugins
from nova.sdk.errors import NovaError, TransportError
from nova.sdk.transport.base import PLUGIN_GROUP, connect
from nova.sdk.transport.local import LocalTransport


def test_transports_are_found_by_scheme() -> None:
    """A-112: a transport is a name in a group, ours like others'."""
    assert {"local", "kafka"} <= plugins.names(PLUGIN_GROUP)
    assert isinstance(connect("local:///tmp/some.sock"), LocalTransport)


def test_an_unknown_scheme_names_the_known_ones() -> None:
    """The error says what could have been meant."""
    with pytest.raises(TransportError, match="local"):
        connect("pigeon://coop")


def test_a_broker_whose_transport_is_not_installed_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`nova-sdk` brings the scheme local alone."""
    monkeypatch.setattr(plugins, "names", lambda group: {"local"})
    with pytest.raises(TransportError, match=r"known schemes are local; .*nova-truth\[kafka\]=="):
        connect("kafka://host")


def test_a_name_that_nobody_registers_is_an_error() -> None:
    """Not a KeyError from within."""
    with pytest.raises(NovaError, match="no installed package registers"):
        plugins.load(PLUGIN_GROUP, "pigeon")


def test_a_missing_library_names_the_extra_of_the_package_that_needs_it() -> None:
    """The embedded transport comes with nova-sdk, so its extra is one of nova-sdk."""
    code = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from nova.sdk import connect; connect('local:///tmp/some.sock')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install --find-links dist 'nova-sdk[local]==" in done.stderr.splitlines()[-1]
