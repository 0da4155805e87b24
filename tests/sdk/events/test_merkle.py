"""Merkle trees: the published roots of RFC 6962's reference tree, and paths that prove leaves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.sdk.events.merkle import (
    MerkleTree,
    inclusion_path,
    leaf_hash,
    leaf_hashes,
    root_by_path,
    root_of,
)

CONTENTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def test_roots_are_those_of_the_reference_tree() -> None:
    leaves = leaf_hashes(CONTENTS)
    assert leaves == [leaf_hash(content) for content in CONTENTS]
    assert {size: root_of(leaves[:size]).hex() for size in ROOTS} == ROOTS


@given(sizes=st.lists(st.integers(0, 9), max_size=6))
def test_a_tree_is_the_same_however_it_grows(sizes: list[int]) -> None:
    leaves = leaf_hashes(bytes((n,)) for n in range(sum(sizes)))
    tree, start = MerkleTree(), 0
    for size in sizes:
        tree.extend(leaves[start : start + size])
        start += size
        assert tree.root() == root_of(leaves[:start])
    assert tree.size == len(leaves)


@given(size=st.integers(1, 40), data=st.data())
def test_a_path_proves_its_leaf_and_no_other(size: int, data: st.DataObject) -> None:
    leaves = leaf_hashes(bytes((n,)) for n in range(size))
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_path(leaves, index), root_of(leaves)
    assert root_by_path(leaves[index], index, size, path) == root
    assert root_by_path(leaf_hash(b"other"), index, size, path) != root
    for other in range(size):
        proved = root_by_path(leaves[index], other, size, path)
        assert (proved == root) == (other == index)
    assert root_by_path(leaves[index], size, size, path) is None
    assert root_by_path(leaves[index], index, size, [*path, root]) is None
