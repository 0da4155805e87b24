"""The policy for new passwords."""

from __future__ import annotations

import pytest

from nova.edge.errors import PasswordError
from nova.edge.password_policy import PASSWORD_MAX_CHARS, check_new_password


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "a" * 12, "ключ от спутника", "x" * PASSWORD_MAX_CHARS],
)
def test_length_is_the_only_other_rule(password: str) -> None:
    """No rules about digits, cases or signs."""
    check_new_password(password)


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * (PASSWORD_MAX_CHARS + 1)])
def test_a_length_out_of_bounds_is_refused_with_both_bounds(password: str) -> None:
    with pytest.raises(PasswordError, match=f"12 to {PASSWORD_MAX_CHARS} .* has {len(password)}"):
        check_new_password(password)


@pytest.mark.parametrize("password", ["qwerty123456", "QWERTY123456", "counterstrike"])
def test_a_common_password_is_refused_in_any_case(password: str) -> None:
    with pytest.raises(PasswordError, match="10,000 most common"):
        check_new_password(password)
