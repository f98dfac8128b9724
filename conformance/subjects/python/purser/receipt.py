"""Reading a receipt with trust anchors alone (chapter 10)."""

from __future__ import annotations

from dataclasses import dataclass

from . import merkle, papers
from .cbor import Map
from .errors import Reject
from .keys import sha256
from .certificates import Trust
from .message import Part, read_all


@dataclass
class Receipt:
    """A receipt that has been read through all stages."""

    id: bytes
    claims: Map
    root: Map
    issuer: str

    @property
    def outcome(self) -> int:
        return self.claims.get(papers.OUTCOME)


def read(body: bytes, trust: Trust, network: str, now: int) -> Receipt:
    """The checks of [RCT-1], in their order."""
    claims, index, path, root = papers.read_receipt_container(body)
    part = Part("root", "root", root)
    read_all([part], trust, network, now, lambda one, _: one.signer.point,  # type: ignore[union-attr]
             of_receipt=True)
    leaf = merkle.leaf(claims)  # [RCT-2]
    if not merkle.included(leaf, index, part[papers.TREE_SIZE], path, part[papers.TREE_ROOT]):
        raise Reject("path-invalid")  # [RCT-3]
    try:
        read_claims = papers.read_claims(claims, part[papers.IAT])
    except Reject as fault:
        raise fault.at("claims")
    assert part.signer is not None
    return Receipt(leaf, read_claims, part.paper.payload, part.signer.party)


def detail_of(receipt: Receipt, detail: bytes | None) -> Map | None:
    """The detail, where its digest stands in the claims [RCT-15]."""
    if detail is None or sha256(detail) != receipt.claims.get(papers.DETAIL):
        return None
    try:
        return papers.read_detail(detail)
    except Reject:
        return None
