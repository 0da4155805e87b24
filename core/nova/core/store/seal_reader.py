"""Reads the seals of an archive, by the catalog: events of that type which were imported seal
nothing here.
"""

from __future__ import annotations

from nova.core.errors import ArchiveDamagedError
from nova.core.store.archive import Archive
from nova.sdk.events.day_seal import DaySeal, read_seal, seal_fault


def sealed_days(archive: Archive) -> list[DaySeal]:
    """The seals in the order of their days; raises ArchiveDamagedError if one is missing or does
    not follow the one before.
    """
    seals: list[DaySeal] = []
    for day, order_key in archive.record.seals():
        seal = sealed_day(archive, order_key)
        fault = "its event is missing or holds no seal of this day"
        if seal is not None and seal.day == day:
            fault = seal_fault(seal, seals[-1] if seals else None) or ""
        if seal is None or fault:
            raise ArchiveDamagedError(
                f"the seal of {day} in {archive.path} is damaged: {fault}. Run `nova verify`"
            )
        seals.append(seal)
    return seals


def sealed_day(archive: Archive, order_key: bytes) -> DaySeal | None:
    """The seal in the event with an order key; None without one."""
    event_key = archive.events.event_key(order_key)
    stored = None if event_key is None else archive.events.envelope(event_key)
    return None if stored is None else read_seal(stored)
