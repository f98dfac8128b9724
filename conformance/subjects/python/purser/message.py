"""The stages from size to schema over all papers of a message (chapter 9, "The order")."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Iterator

from . import certificates, envelope, keys, papers
from .certificates import Signer, Trust
from .envelope import KINDS, Paper
from .errors import Reject


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


KeyFinder = Callable[[Part, list[Part]], bytes]


@contextmanager
def naming(part: Part) -> Iterator[None]:
    """Names the part in a refusal."""
    try:
        yield
    except Reject as fault:
        raise fault.at(part.name)


def unreadable(kind: str, paper: Paper) -> Reject:
    """The refusal of a paper of which a field is needed that cannot be read: what the later stages find [AUT-6]."""
    try:
        papers.check_version(paper)
        papers.check_schema(kind, paper.payload)
    except Reject as fault:
        return fault
    raise AssertionError("a field that could not be read has passed the schema")


def needed(part: Part, label: int) -> Any:
    """A field that a signer is found by, judged as the schema judges it."""
    found = papers.SCHEMAS[part.kind][label]
    try:
        found.check(part.paper.get(label), found.name)
    except Reject:
        raise unreadable(part.kind, part.paper).at(part.name) from None
    return part.paper.get(label)


def check_certificates(part: Part, trust: Trust | None, now: int, role: str | None = None,
                       of_receipt: bool = False) -> None:
    """The stage certificates of one paper; whoever expects a key asks for no certificate."""
    paper = part.paper
    if paper.x5t is None or trust is None:
        return
    made = partial(needed, part, papers.IAT)
    time = made() if of_receipt else now  # old receipts outlive their certificates [RCT-11]
    chain = trust.chain_for(paper.x5t, paper.chain)
    part.signer = certificates.check(chain, certificates.Question(
        role=KINDS[part.kind][1] or role or "merchant", now=now, time=time, made=made, x5t=paper.x5t,
        name=partial(_issuer_of, part)), trust)


def _issuer_of(part: Part) -> str | None:
    """The `iss` of a kind that has one; any text is somebody's name, and what is none meets [AUT-6] [SIG-23]."""
    if papers.ISS not in papers.SCHEMAS[part.kind]:
        return None
    iss = part.paper.get(papers.ISS)
    return iss if isinstance(iss, str) else needed(part, papers.ISS)


def check_signature(part: Part, point: bytes, network: str) -> None:
    """[SIG-11] and [SIG-15] of one paper, under the key that was found."""
    paper = part.paper
    keys.verify(point, paper.signature,
                envelope.signed_bytes(paper.protected_raw, paper.payload_raw, part.kind, network))
    if part.kind == "root":
        named = paper.get(papers.NETWORK)
        if isinstance(named, str) and named != network:
            raise Reject("signature-invalid", field="network")  # [RCT-18]


def read_all(parts: list[Part], trust: Trust | None, network: str, now: int, find_key: KeyFinder,
             registered: Callable[[bytes], bool] = lambda _: False, role: str | None = None,
             of_receipt: bool = False) -> None:
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
            check_certificates(part, trust, now, role, of_receipt)
    for part in todo:
        with naming(part):
            check_signature(part, find_key(part, parts), network)
    for part in todo:
        with naming(part):
            papers.check_version(part.paper)
    for part in todo:
        with naming(part):
            papers.check_schema(part.kind, part.paper.payload)
