"""Password hashing (A-284, pitfalls 27)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import LoginBusyError
from nova.edge.passwords import PasswordHashing, random_hash


@pytest.fixture
def passwords() -> Iterator[PasswordHashing]:
    """One worker and one place to wait."""
    made = PasswordHashing(EdgeLimits(hash_workers=1, hash_queue_max=1), PasswordHasher())
    yield made
    made.close()


async def test_only_the_right_password_of_a_known_user_is_good(passwords: PasswordHashing) -> None:
    """An unknown user is checked too, and never good; argon2id is what hashes."""
    stored = await passwords.hash("secret")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "secret")
    assert not await passwords.verify(stored, "Secret")
    assert not await passwords.verify(None, "secret")


@pytest.mark.parametrize(
    "hasher", [PasswordHasher(), PasswordHasher(time_cost=2, memory_cost=64, hash_len=20)]
)
def test_an_unknown_user_costs_what_a_known_one_does(hasher: PasswordHasher) -> None:
    """The hash that stands for it is read like any other, with the same parameters."""
    stand_in = random_hash(hasher)
    assert extract_parameters(stand_in) == extract_parameters(hasher.hash("secret"))
    with pytest.raises(VerifyMismatchError):
        hasher.verify(stand_in, "secret")


def test_a_password_costs_what_the_library_recommends() -> None:
    """Wherever nobody says otherwise, as tests do for their own processes and forked ones."""
    program = "from nova.edge import passwords as p; print(p.random_hash(p.standard_hasher()))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    ordinary = extract_parameters(shown.decode().strip())
    assert ordinary == extract_parameters(PasswordHasher().hash("secret"))


async def test_an_unknown_user_is_hashed_for_too() -> None:
    """With room for one hash, a known and an unknown user cannot both be checked at once."""
    narrow = PasswordHashing(EdgeLimits(hash_workers=1, hash_queue_max=0), PasswordHasher())
    stored = await narrow.hash("secret")
    asked = [narrow.verify(None, "secret"), narrow.verify(stored, "secret")]
    done = await asyncio.gather(*asked, return_exceptions=True)
    narrow.close()
    assert done[0] is False
    assert isinstance(done[1], LoginBusyError)


async def test_an_unreadable_hash_is_a_wrong_password(passwords: PasswordHashing) -> None:
    """argon2-cffi raises a ValueError there, not one of its own errors."""
    assert not await passwords.verify("not a hash", "secret")


async def test_a_weaker_hash_is_found_out(passwords: PasswordHashing) -> None:
    """So that a login can store a stronger one."""
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("secret")
    assert passwords.needs_rehash(weak)
    assert await passwords.verify(weak, "secret")
    assert not passwords.needs_rehash(await passwords.hash("secret"))


async def test_more_than_can_wait_is_refused_and_places_come_back(
    passwords: PasswordHashing,
) -> None:
    """The queue is bounded, and a refusal costs nothing."""
    asked = [asyncio.ensure_future(passwords.hash("a")) for _ in range(5)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    refused = [outcome for outcome in done if isinstance(outcome, LoginBusyError)]
    hashed = [outcome for outcome in done if isinstance(outcome, str)]
    assert (len(hashed), len(refused)) == (2, 3)
    assert await passwords.hash("b")


async def test_a_caller_who_leaves_gives_his_place_back(passwords: PasswordHashing) -> None:
    """Cancelled logins must not use the queue up."""
    leaving = [asyncio.ensure_future(passwords.hash("a")) for _ in range(2)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    async with asyncio.timeout(60):
        while True:
            try:
                assert await passwords.hash("b")
                return
            except LoginBusyError:
                await asyncio.sleep(0)
