"""Following the log of an issuer (chapter 10): roots that go on from each other, and receipts that are in it."""

from __future__ import annotations

from . import merkle, papers, receipt
from .cbor import Map
from .certificates import Trust
from .errors import Reject
from .message import Part, read_all


def read_root(raw: bytes, trust: Trust, network: str, now: int) -> Part:
    """A root through all stages, under the certificate of its own time [RCT-11]."""
    part = Part("root", "root", raw)
    read_all([part], trust, network, now, lambda one, _: one.signer.point,  # type: ignore[union-attr]
             of_receipt=True)
    return part


def same_where_equal(one: Map, other: Map) -> None:
    """Two roots of one size say one thing [RCT-23]."""
    same = all(one.get(label) == other.get(label) for label in (papers.LOG_ROOT, papers.TREE_ROOT))
    if one.get(papers.LOG_SIZE) == other.get(papers.LOG_SIZE) and not same:
        raise Reject("log-forked")


def begins(earlier: Map, later: Map, proof: list[bytes]) -> None:
    """The log of the one is the beginning of that of the other [RCT-21]."""
    if not merkle.consistent(earlier.get(papers.LOG_SIZE), later.get(papers.LOG_SIZE), earlier.get(papers.LOG_ROOT),
                             later.get(papers.LOG_ROOT), proof):
        raise Reject("consistency-invalid")


def in_log(own: Map, later: Map, inclusion: list[bytes], consistency: list[bytes]) -> None:
    """The batch of one root is in the log of another, of which its own log is the beginning."""
    leaf = merkle.leaf(own.get(papers.TREE_ROOT))
    if not merkle.included(leaf, own.get(papers.BATCH), later.get(papers.LOG_SIZE), inclusion,
                           later.get(papers.LOG_ROOT)):
        raise Reject("path-invalid")  # [RCT-22]
    same_where_equal(own, later)
    begins(own, later, consistency)


class Follower:
    """The last root that was taken, of each issuer and network."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Map] = {}

    def follow(self, body: bytes, trust: Trust, network: str, now: int) -> tuple[str, int]:
        """How a root was taken, and the size of its log; whatever is refused, the kept one stays [RCT-25]."""
        raw, proof = papers.read_checkpoint(body)
        part = read_root(raw, trust, network, now)
        assert part.signer is not None
        root, place = part.paper.payload, (part.signer.party, network)
        kept, size = self.kept.get(place), root.get(papers.LOG_SIZE)
        taken = "first"
        if kept is not None:
            if size < kept.get(papers.LOG_SIZE):
                raise Reject("log-shrunk")  # [RCT-24]
            same_where_equal(kept, root)
            taken = "same" if size == kept.get(papers.LOG_SIZE) else "later"
            if taken == "later":
                begins(kept, root, proof)
        self.kept[place] = root
        return taken, size


def logged(body: bytes, trust: Trust, network: str, now: int) -> tuple[receipt.Receipt, Map]:
    """A receipt that is logged in a later root of its issuer [RCT-26]."""
    raw, later, inclusion, consistency = papers.read_logged(body)
    found = receipt.read(raw, trust, network, now)
    part = read_root(later, trust, network, now)
    assert part.signer is not None
    if part.signer.party != found.issuer:
        raise Reject("path-invalid")
    in_log(found.root, part.paper.payload, inclusion, consistency)
    return found, part.paper.payload
