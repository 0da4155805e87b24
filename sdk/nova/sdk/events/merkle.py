"""Merkle trees as in RFC 6962: leaves and nodes are hashed with different first bytes.

The hash of a leaf is SHA-256 of 0x00 and its content, that of a node SHA-256 of 0x01 and the hashes
of its two children. A tree of n leaves has the first k of them on its left, where k is the largest
power of two below n.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

LEAF_MARK = b"\x00"
NODE_MARK = b"\x01"


def leaf_hash(content: bytes) -> bytes:
    return sha256(LEAF_MARK + content).digest()


def leaf_hashes(contents: Iterable[bytes]) -> list[bytes]:
    """`leaf_hash` of each."""
    return [sha256(b"\x00%b" % content).digest() for content in contents]


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(NODE_MARK + left + right).digest()


class MerkleTree:
    """A tree that leaves are appended to; it holds one hash for each bit of their number."""

    def __init__(self) -> None:
        self.size = 0
        self._unpaired: list[bytes | None] = []
        """By level, the root of the whole subtree that waits for its right neighbour."""

    def extend(self, hashes: Sequence[bytes]) -> None:
        """Append leaves by their hashes."""
        self.size += len(hashes)
        nodes, level = list(hashes), 0
        while nodes:
            if level == len(self._unpaired):
                self._unpaired.append(None)
            waiting = self._unpaired[level]
            if waiting is not None:
                nodes.insert(0, waiting)
            self._unpaired[level] = nodes.pop() if len(nodes) % 2 else None
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [sha256(b"\x01%b%b" % pair).digest() for pair in pairs]
            level += 1

    def root(self) -> bytes:
        """The root's hash; that of no leaves is the hash of nothing."""
        found: bytes | None = None
        for waiting in self._unpaired:
            if waiting is not None:
                found = waiting if found is None else node_hash(waiting, found)
        return sha256().digest() if found is None else found


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root of a tree with these leaves."""
    tree = MerkleTree()
    tree.extend(hashes)
    return tree.root()


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings on the way from a leaf to the root, from the leaf upwards."""
    if len(hashes) == 1:
        return []
    half = 1 << (len(hashes) - 1).bit_length() - 1
    if index < half:
        return [*inclusion_path(hashes[:half], index), root_of(hashes[half:])]
    return [*inclusion_path(hashes[half:], index - half), root_of(hashes[:half])]


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf's hash and its inclusion path lead to; None if the path does not fit a
    tree of `size` leaves.
    """
    if not 0 <= index < size:
        return None
    found, last = leaf, size - 1
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            found = node_hash(sibling, found)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        index, last = index >> 1, last >> 1
    return found if last == 0 else None
