"""Options of a transport that may be secrets: a file of `name=value` lines, named by its URL."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from pathlib import Path

from nova.sdk.errors import TransportError
from nova.sdk.regular_file import read_regular, require_regular

TLS_OPTIONS = ("tls", "tls_ca", "tls_cert", "tls_key")
_TLS_FILES = ("tls_ca", "tls_cert", "tls_key")


def read_options(path: Path, transport: str, known: Collection[str]) -> dict[str, str]:
    """The options of a file, `#` starts a comment; raises TransportError, which shows no value."""
    try:
        lines = read_regular(path).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TransportError(f"the {transport} options file {path} cannot be read: {error}") from (
            None
        )
    options: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = (part.strip() for part in line.partition("="))
        where = f"{path}, line {number}"
        if not separator or not name or not value:
            # Do not show the line: it may hold a secret.
            raise TransportError(f"{where}: not a name=value pair")
        if name not in known:
            raise TransportError(f"{where}: unknown option {name!r}; there are {', '.join(known)}")
        if name in options:
            raise TransportError(f"{where}: {name} is given twice")
        options[name] = value
    return options


def has_tls(options: Mapping[str, str]) -> bool:
    return any(name.startswith("tls") for name in options)


def check_tls(path: Path, options: Mapping[str, str]) -> None:
    """Raise TransportError if options about TLS contradict each other."""
    if ("tls_cert" in options) != ("tls_key" in options):
        raise TransportError(f"{path}: tls_cert and tls_key must be given together")
    if options.get("tls", "yes") != "yes":
        raise TransportError(f"{path}: tls can only be yes; leave it out for no TLS")


def tls_context(options: Mapping[str, str], transport: str) -> ssl.SSLContext | None:
    """The TLS context, None without TLS; raises TransportError if its files cannot be used."""
    if not has_tls(options):
        return None
    try:
        for name in _TLS_FILES:
            if name in options:
                require_regular(Path(options[name]))
        context = ssl.create_default_context(cafile=options.get("tls_ca"))
        if "tls_cert" in options:
            context.load_cert_chain(options["tls_cert"], options["tls_key"])
    except OSError as error:  # SSLError is a subclass.
        raise TransportError(f"cannot use the {transport} TLS files: {error}") from None
    return context
