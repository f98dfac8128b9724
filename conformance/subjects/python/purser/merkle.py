"""Merkle trees as RFC 9162, section 2.1, has them."""

from __future__ import annotations

from .keys import sha256


def leaf(data: bytes) -> bytes:
    """The hash of an entry; of claims it is the receipt's id [RCT-2]."""
    return sha256(b"\x00" + data)


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def root(leaves: list[bytes]) -> bytes:
    """The root over leaf hashes (2.1.1)."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:split]), root(leaves[split:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """The inclusion proof of one leaf (2.1.3.1)."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return path(index, leaves[:split]) + [root(leaves[split:])]
    return path(index - split, leaves[split:]) + [root(leaves[:split])]


def included(start: bytes, index: int, size: int, proof: list[bytes], expected: bytes) -> bool:
    """Whether a leaf hash stands at an index of the tree (2.1.3.2)."""
    if index >= size:
        return False
    at, last, found = index, size - 1, start
    for one in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node(one, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, one)
        at, last = at >> 1, last >> 1
    return last == 0 and found == expected


def consistent(first: int, second: int, root_first: bytes, root_second: bytes, proof: list[bytes]) -> bool:
    """Whether the tree of the first size is the beginning of that of the second (2.1.4.2) [RCT-21]."""
    if first == second:
        return not proof and root_first == root_second
    if not 0 < first < second or not proof:
        return False
    nodes = [root_first, *proof] if first & first - 1 == 0 else proof
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = nodes[0]
    for one in nodes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node(one, old), node(one, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, one)
        at, last = at >> 1, last >> 1
    return last == 0 and old == root_first and new == root_second
