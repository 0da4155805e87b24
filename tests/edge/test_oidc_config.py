"""The configuration of an edge: the secret stays one, and a missing library is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nova.edge.oidc_config import SECRET_MAX_BYTES, oidc_config
from nova.sdk.errors import SettingsError

VARIABLES = {
    "NOVA_OIDC_ISSUER": "https://login.example.org",
    "NOVA_OIDC_CLIENT_ID": "nova",
    "NOVA_OIDC_DEFAULT_ROLE": "viewer",
}
WITHOUT_LIBRARIES = """
import sys
sys.modules["authlib"] = sys.modules["joserfc"] = None
from nova.cli.main import nova
nova()
"""


def test_the_secret_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    """It is in no text of the configuration; without one there is none."""
    file = tmp_path / "secret"
    file.write_text(" of a file \n")
    from_file = oidc_config({**VARIABLES, "NOVA_OIDC_CLIENT_SECRET_FILE": str(file)})
    given = oidc_config({**VARIABLES, "NOVA_OIDC_CLIENT_SECRET": "of the environment"})
    public = oidc_config(VARIABLES)
    assert from_file and given and public
    assert from_file.client_secret == " of a file "
    assert given.client_secret == "of the environment"
    assert public.client_secret is None
    assert "of a file" not in repr(from_file)
    assert public.name == "login.example.org"
    assert oidc_config({}) is None


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"x" * (SECRET_MAX_BYTES + 1), None])
def test_a_secret_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """With the name of the setting and without what was read."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match="oidc_client_secret_file") as refusal:
        oidc_config({**VARIABLES, "NOVA_OIDC_CLIENT_SECRET_FILE": str(file)})
    assert "xxx" not in str(refusal.value)


def test_two_secrets_or_an_empty_one_are_refused(tmp_path: Path) -> None:
    both = {"NOVA_OIDC_CLIENT_SECRET_FILE": "f", "NOVA_OIDC_CLIENT_SECRET": "hidden"}
    with pytest.raises(SettingsError, match="not both") as refusal:
        oidc_config({**VARIABLES, **both})
    assert "hidden" not in str(refusal.value)
    with pytest.raises(SettingsError, match="empty"):
        oidc_config({**VARIABLES, "NOVA_OIDC_CLIENT_SECRET": ""})


def test_an_edge_without_the_extra_says_what_to_install(tmp_path: Path) -> None:
    """One that is not configured for it needs no such library: it gets as far as its address."""
    command = [sys.executable, "-c", WITHOUT_LIBRARIES, "edge", "--data", str(tmp_path)]
    listen = ["--listen", "192.0.2.1:1"]  # No machine has this address.
    missing, without = (
        subprocess.run([*command, *listen], env=env, capture_output=True, text=True, check=False)
        for env in (VARIABLES, {})
    )
    assert "authlib is not installed" in missing.stderr
    assert "'nova-truth[oidc]==" in missing.stderr
    assert "cannot listen on 192.0.2.1:1" in without.stderr
