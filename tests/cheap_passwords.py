"""A process that has run this hashes passwords at next to no cost, and so do those that it forks.

Ordinarily each first start and login takes a sixth of a second of a processor.
"""

from __future__ import annotations

from argon2 import PasswordHasher

from nova.edge import passwords


def cheap_hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


passwords.standard_hasher = cheap_hasher
