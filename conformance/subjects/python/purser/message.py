"""The stages from size to schema over all papers of a message (chapter 9, "The order")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator
from contextlib import contextmanager

from . import certificates, envelope, keys, papers
from .certificates import Anchor, Signer
from .envelope import KINDS, Paper
from .errors import Reject
from .schema import MAX_SECONDS, is_uint


@dataclass
class Part:
    """A paper of a message, and what the stages so far have found out about it."""

    name: str
    kind: str
    data: bytes
    paper: Paper = None  # type: ignore[assignment]
    signer: Signer | None = None
    done: bool = False  # registered before: it takes part again from the stage known on

    @property
    def id(self) -> bytes:
        return self.paper.id

    def __getitem__(self, label: int) -> Any:
        return self.paper.payload.get(label)


@dataclass
class Trust:
    """What a reader of certificates was given: anchors, chains at hand, a revocation list."""

    anchors: list[Anchor]
    chains: list[list[bytes]]
    revoked: frozenset[bytes] = frozenset()
    brought: bool = False  # the chains came with the paper; else they are a store, searched by hash

    def chain_for(self, paper: Paper) -> list[bytes] | None:
        """A chain for the certificate that `x5t` names [CRT-1]."""
        if paper.chain:
            return paper.chain
        for chain in self.chains:
            if chain and (self.brought or keys.sha256(chain[0]) == paper.x5t):
                return chain
        return None


KeyFinder = Callable[[Part, list[Part]], bytes]


@contextmanager
def naming(part: Part) -> Iterator[None]:
    """Names the part in a refusal."""
    try:
        yield
    except Reject as fault:
        raise fault.at(part.name)


def check_certificates(part: Part, trust: Trust, now: int, role: str | None = None) -> None:
    """The stage certificates of one paper."""
    paper = part.paper
    if paper.x5t is None:
        return
    chain = trust.chain_for(paper)
    if chain is None:
        raise Reject("cert-missing")  # [CRT-1]
    time = now
    if part.kind == "root":
        # Old receipts verify when short-lived leaves have ended [RCT-11]. Where the root gives no time it was
        # made at none at which a certificate holds [AUT-6].
        time = paper.get(papers.IAT) if is_uint(paper.get(papers.IAT), 0, MAX_SECONDS) else -1
    iss = paper.get(papers.ISS)
    part.signer = certificates.check(
        chain, KINDS[part.kind][1] or role or "merchant", trust.anchors, time, x5t=paper.x5t,
        iss=iss if isinstance(iss, str) else None, named=papers.ISS in papers.SCHEMAS[part.kind],
        revoked=trust.revoked)


def check_signature(part: Part, point: bytes, network: str) -> None:
    """[SIG-11] and [SIG-15] of one paper, under the key that was found."""
    paper = part.paper
    keys.verify(point, paper.signature,
                envelope.signed_bytes(paper.protected_raw, paper.payload_raw, part.kind, network))
    if part.kind == "root":
        named = paper.get(papers.NETWORK)
        if isinstance(named, str) and named != network:
            raise Reject("signature-invalid", field="network")  # [RCT-18]


def read_all(parts: list[Part], trust: Trust, network: str, now: int, find_key: KeyFinder,
             registered: Callable[[bytes], bool] = lambda _: False) -> None:
    """Lets every part pass each stage before any enters the next [AUT-2] [AUT-3]."""
    for part in parts:
        with naming(part):
            part.paper = envelope.read(part.data)
            part.done = part.kind == "mandate" and registered(part.id)
    todo = [part for part in parts if not part.done]
    for part in todo:
        with naming(part):
            envelope.check_headers(part.paper, part.kind)
    for part in todo:
        with naming(part):
            check_certificates(part, trust, now)
    for part in todo:
        with naming(part):
            check_signature(part, find_key(part, parts), network)
    for part in todo:
        with naming(part):
            papers.check_version(part.paper)
    for part in todo:
        with naming(part):
            papers.check_schema(part.kind, part.paper.payload)
