"""Text from the operating system that may not be text.

Python turns each byte of an argument, an environment variable or a terminal's line that is not
UTF-8 into a lone surrogate, which no message and no file of NOVA can hold.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from nova.sdk.errors import SettingsError

VARIABLE_PREFIX = "NOVA_"


def is_utf8(text: str) -> bool:
    """Whether a text has a UTF-8 form."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_arguments(arguments: Sequence[str]) -> None:
    """Raise SettingsError for an argument that is not UTF-8, unless it names an existing file."""
    for number, argument in enumerate(arguments, 1):
        if not is_utf8(argument) and not os.path.lexists(argument):
            raise SettingsError(f"argument {number} is not UTF-8 text: {argument!a}")


def check_environment(environment: Mapping[str, str]) -> None:
    """Raise SettingsError for a variable of NOVA that is not UTF-8; its value may be a secret."""
    for name, value in environment.items():
        if name.startswith(VARIABLE_PREFIX) and not is_utf8(value):
            raise SettingsError(f"the environment variable {name} is not UTF-8 text")


def check_secret(name: str, secret: str) -> str:
    """The secret; raises SettingsError, without showing it, if it is not UTF-8."""
    if not is_utf8(secret):
        raise SettingsError(f"{name} is not UTF-8 text")
    return secret
