"""Columns and sets of the native part, in which an item is an object only while Python has it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Protocol


class BytesColumn(Sequence[bytes]):
    """`nova.native.BytesColumn`: a sequence of bytes that does not change, of which each becomes an
    object only when it is asked for.
    """

    @abstractmethod
    def __init__(self, items: Sequence[bytes]) -> None: ...
    @abstractmethod
    def chosen(self, places: Sequence[int]) -> BytesColumn:
        """The items at these places."""

    @abstractmethod
    def merged(self, places: Sequence[int], more: Sequence[bytes]) -> BytesColumn:
        """This column with `more` inserted, which are at `places` of the new one, ascending."""


class NumberColumn(Sequence[int]):
    """`nova.native.NumberColumn`: the same of numbers below 2^32."""

    @abstractmethod
    def __init__(self, numbers: Sequence[int]) -> None: ...
    @abstractmethod
    def chosen(self, places: Sequence[int]) -> NumberColumn:
        """The numbers at these places."""

    @abstractmethod
    def merged(self, places: Sequence[int], more: Sequence[int]) -> NumberColumn:
        """As of a column of bytes."""

    @abstractmethod
    def places_of(self, wanted: Sequence[int], places: Sequence[int] | None) -> list[int]:
        """Of these places (None: all) the indexes of those that have one of the wanted numbers."""

    @abstractmethod
    def distinct(self) -> tuple[list[int], NumberColumn]:
        """The different numbers in the order in which they are first here, and the place among them
        of each number.
        """


class KeySet(Protocol):
    """`nova.native.KeySet`: a set of keys, to which columns are added without an object for each
    key; a `set` does the same in Python.
    """

    def update(self, keys: Iterable[bytes], /) -> None: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __len__(self) -> int: ...
